"""Azure's contract for batch scripts: run(mini_batch), for batch endpoints and ParallelRunStep.

    init()      optional, once a process, before the first mini-batch
    run(mini_batch[, context])
                a list of absolute paths, or a DataFrame of one file's rows (ours beside: a list of
                lines); returns a list or a DataFrame, whose elements are items that succeeded
    shutdown()  optional, once a process, when no work is left

The rules are those of Azure's docs and of the azureml-pipeline SDK (ParallelRunStep). What run()
raises, SystemExit too, fails its mini-batch and not its process.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from scoreserve.batch import rendering
from scoreserve.batch.watchdog import Watchdog
from scoreserve.batch.work import Form, MiniBatch, Work
from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.worker.script import entry_script

_log = logging.getLogger("azmlinfsrv")
_RUN = "def run(mini_batch):"


class MiniBatchContext(NamedTuple):
    """The second argument of a run() that has two parameters."""

    minibatch_index: int
    dataset: str
    partition_key_value: dict[str, Any] | None = None


class BatchScript:
    """The script, loaded and not yet initialized. Raises BootError, or what its code raises."""

    def __init__(self, work: Work, settings: Settings, watchdog: Watchdog) -> None:
        self._work = work
        self._watchdog = watchdog
        assert settings.script_path is not None
        self._module = entry_script.import_path(settings.script_path)
        self._run = _run_of(self._module)
        self._wants_context = len(inspect.signature(self._run).parameters) > 1
        self._reader = _reader(work.form)

    def init(self) -> None:
        self._call("init")

    def shutdown(self) -> None:
        self._call("shutdown")

    def score(self, batch: MiniBatch) -> tuple[int, bytes, str]:
        """How many items succeeded, their part of the output, and "". Raises what run() raises."""
        argument = self._argument(batch)
        if not len(argument):
            return 0, b"", ""
        arguments = [argument]
        if self._wants_context:
            arguments.append(MiniBatchContext(batch.number, self._work.dataset))
        with self._watchdog:
            result = self._run(*arguments)
        result = _checked(result)
        if len(result) > batch.items:
            _log.warning(
                "run() returned %d results for %d items of mini batch %d: %d are counted.",
                *(len(result), batch.items, batch.number, batch.items),
            )
        payload = b""
        if not self._work.summary_only:
            payload = rendering.render(result, self._work.output_format)
        return min(len(result), batch.items), payload, ""

    def _argument(self, batch: MiniBatch) -> Any:
        if batch.part is None:
            return list(batch.paths)
        return self._reader(batch.part)

    def _call(self, name: str) -> None:
        function = getattr(self._module, name, None)
        if function is not None:
            function()


def _checked(result: Any) -> Any:
    if isinstance(result, tuple):
        return list(result)
    if isinstance(result, list) or rendering.is_frame(result):
        return result
    raise TypeError(  # ParallelRunStep's words
        f"run() should return a list or a DataFrame, and returned {type(result).__name__}"
    )


def _run_of(module: ModuleType) -> Callable[..., Any]:
    run = getattr(module, "run", None)
    if not callable(run):
        raise BootError(
            f"{module.__file__} has no run()",
            what="The script has no run()",
            where=str(module.__file__),
            remedy=f"Define `{_RUN}` in it.",
        )
    found: Callable[..., Any] = run
    return found


def _reader(form: Form) -> Callable[[Any], Any]:
    if form in (Form.JSONL, Form.LINES):
        from scoreserve.batch.lines import read_lines

        return read_lines
    if form.is_table:
        from scoreserve.batch.tables import TableReader

        return TableReader(form).read
    return list
