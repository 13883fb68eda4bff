"""One process's part of a job: loads the script, and takes one mini-batch after the other.

The same for a process of this machine and for an actor of a cluster. Runs on the main thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Protocol

from scoreserve.batch.watchdog import Watchdog
from scoreserve.batch.work import MOST_FAILED, CannotStart, Done, Kind, MiniBatch, Work
from scoreserve.errors import ReplyError
from scoreserve.settings import Settings
from scoreserve.settings_loader import exported
from scoreserve.worker.script import preparation
from scoreserve.worker.script.user_frames import users_traceback

OUTPUT_VARIABLE = "AZUREML_BI_OUTPUT_PATH"  # where scripts that write files themselves do
LOGS = "logs"
_MLFLOW_RUNS = "mlflow"
_MODELS = "azureml-models"  # where Model.get_model_path of azureml-core begins
_MOST_TOLD = 4000  # characters of a traceback that travel


class Script(Protocol):
    """A script of either contract."""

    def init(self) -> None: ...
    def score(self, batch: MiniBatch) -> tuple[int, bytes, str]: ...
    def shutdown(self) -> None: ...


class Scorer:
    """Raises CannotStart where the script does not load. `agent` is the process's name in logs and
    for the script.
    """

    def __init__(self, work: Work, agent: str, watchdog: Watchdog | None = None) -> None:
        self._work = work
        self._failed = 0
        settings = Settings.from_json(work.settings.encode())
        _prepare(work, settings, agent)
        dog = watchdog or Watchdog(work.longest_run_seconds)
        stage = "import"
        try:
            self._script = _load(work, settings, dog)
            stage = "init()"
            self._script.init()
        except BaseException as error:
            traceback.print_exc()
            from scoreserve.worker.script import start_failures

            failure = start_failures.of_script(error, stage, settings)
            raise CannotStart(failure.told, is_final=stage == "import") from error

    @property
    def is_worn_out(self) -> bool:
        """Whether so many mini-batches have failed here that another process is worth a try."""
        return self._failed > MOST_FAILED

    def score(self, batch: MiniBatch) -> Done:
        """What becomes of the mini-batch, which is tried again where the script raises."""
        started = time.perf_counter()
        error = ""
        for tries in range(1, self._work.max_tries + 1):
            try:
                succeeded, payload, error = self._script.score(batch)
            except BaseException as raised:
                error = _told(raised)
                print(f"Mini batch {batch.number}, try {tries}:\n{error}", file=sys.stderr)
                continue
            seconds = time.perf_counter() - started
            has_failed = bool(error) and not succeeded
            return Done(
                batch.number,
                batch.items,
                succeeded,
                tries,
                seconds,
                payload=payload,
                error=error,
                failed=has_failed,
            )
        self._failed += 1
        seconds = time.perf_counter() - started
        return Done(batch.number, batch.items, 0, tries, seconds, error=error, failed=True)

    def shutdown(self) -> None:
        """Calls the script's shutdown(), whose failure is only told."""
        try:
            self._script.shutdown()
        except BaseException:
            traceback.print_exc()


def _load(work: Work, settings: Settings, watchdog: Watchdog) -> Script:
    if work.kind is Kind.BATCH:
        from scoreserve.batch.batch_script import BatchScript

        return BatchScript(work, settings, watchdog)
    if work.kind is Kind.MLFLOW:
        from scoreserve.batch.mlflow_script import MLflowScript

        return MLflowScript(work, settings, watchdog)
    from scoreserve.batch.online_script import OnlineScript

    return OnlineScript(work, settings, watchdog)


def _prepare(work: Work, settings: Settings, agent: str) -> None:
    """What a script may rely on: sys.argv, variables, imports, a directory of its own."""
    logging.basicConfig(level=logging.INFO)
    os.environ.update(exported(settings))
    os.environ[OUTPUT_VARIABLE] = work.output
    _keep_mlflow_runs(Path(work.output, LOGS, _MLFLOW_RUNS, agent))
    _enter_folder(work, settings)
    preparation.prepare(settings, work.arguments)
    from scoreserve.compat.parallel_run import EntryScript

    logs = Path(work.output, LOGS)
    logs.mkdir(parents=True, exist_ok=True)
    EntryScript().set_up(agent, log_dir=str(logs), output_dir=work.output)


def _enter_folder(work: Work, settings: Settings) -> None:
    """A script that is served finds files from where the command was started, as it does then. In
    the folder of its own that another has, models are where azureml-core looks for them.
    """
    if work.kind is Kind.ONLINE:
        with contextlib.suppress(OSError):  # there may be none on another machine
            os.chdir(work.started_in)
        return
    roots = (Path(root, _MODELS) for root in (settings.app_root, work.started_in))
    models = next((root for root in roots if root.is_dir()), None)
    if models is not None:
        Path(_MODELS).symlink_to(models)


def _keep_mlflow_runs(folder: Path) -> None:
    """What a script logs with MLflow, which goes to the job's run in Azure, is kept in files."""
    os.environ.setdefault("MLFLOW_TRACKING_URI", folder.as_uri())
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow 3.17 asks for it


def _told(error: BaseException) -> str:
    """The traceback from the user's first line on."""
    if isinstance(error, ReplyError) and error.__cause__ is not None:
        error = error.__cause__  # what an online script raised
    return users_traceback(error)[-_MOST_TOLD:]
