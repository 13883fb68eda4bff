"""`scoreserve batch`: an entry script over files, tables or lines, instead of requests."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from scoreserve.cgroup import available_cpus
from scoreserve.cli import batch_flags
from scoreserve.cli.flags import Parser
from scoreserve.cli.script_flags import add_command, add_flags, values
from scoreserve.cli.terminal import Progress, coloured, counted
from scoreserve.errors import (
    EXIT_BOOT,
    EXIT_FAILED,
    EXIT_FLAGS,
    EXIT_INTERRUPTED,
    BootError,
    ConfigurationError,
    DeploymentError,
)
from scoreserve.model_files import find
from scoreserve.settings import Settings
from scoreserve.settings_loader import load

# What scores is imported late: `scoreserve serve` has no use for it.
if TYPE_CHECKING:
    from scoreserve.batch.deployment_file import BatchOptions
    from scoreserve.batch.inputs import InputFile
    from scoreserve.batch.job import Ended, Engine, Job, Screen
    from scoreserve.batch.work import Form, Kind, OutputFormat

_FLAGS = ("entry_script", "model", "allow_pickle", "model_dir", "app_root", "config_file")
_CONTRACTS = {
    "batch": "run(mini_batch)",
    "online": "run() as it is served",
    "mlflow": "an MLflow model without a script",
}


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its flags."""
    command = add_command(
        commands,
        "batch [SCRIPT] --input PATH --output DIR [FLAGS] [-- ARGUMENTS]",
        summary="score files and tables instead of requests",
        description="Runs an entry script over many inputs, in several processes. The script is one"
        " for Azure's batch endpoints, with run(mini_batch), or one that is served, with"
        " run(raw_data). The path of a model that needs no script may take its place. What follows"
        " -- are arguments of the script. Exits with 0 when all is done, 1 when more failed than"
        " may, 2 for wrong flags or inputs, 3 when the script cannot start.",
        example="scoreserve batch score.py --input requests.jsonl --output out\n"
        "scoreserve batch batch.py --input images/ --output out --mini-batch-size 20 --workers 4\n"
        "scoreserve batch --deployment deployment.yml --input data/ --output out --resume",
    )
    add_flags(command, _FLAGS)
    batch_flags.add_to(command)
    command.set_defaults(run=partial(_run, command))


def _run(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    from scoreserve.batch import job as jobs
    from scoreserve.batch.work import CannotStart, UnusableInput

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    progress = Progress()
    screen = jobs.Screen(progress.say, progress.tell, sys.stderr.isatty())
    try:
        job, workers = _job(command, arguments, screen)
        if job.resume and job.is_finished:
            print(f"There is nothing left to do: {job.results_path} is complete.")
            sys.exit(0)
        ended = jobs.run(job, _engine(job, workers, arguments.ray_address), screen)
    except (UnusableInput, DeploymentError) as error:
        progress.tell(f"{command.prog}: {error}")
        sys.exit(EXIT_FLAGS)
    except CannotStart as error:
        progress.tell(f"{command.prog}: the script cannot start\n{error}")
        sys.exit(EXIT_BOOT)
    except OSError as error:
        progress.tell(f"{command.prog}: {error}. What is done is kept: --resume goes on.")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        progress.tell("Interrupted. What is done is kept: the same command with --resume goes on.")
        sys.exit(EXIT_INTERRUPTED)
    progress.end()
    _tell(job, ended)
    sys.exit(EXIT_FAILED if ended.problem else 0)


def _job(command: Parser, arguments: argparse.Namespace, screen: Screen) -> tuple[Job, int | None]:
    """What is asked for, and with how many processes, if that is said. Raises UnusableInput, or
    DeploymentError.
    """
    from scoreserve.batch import inputs
    from scoreserve.batch.deployment_file import BatchOptions, read_options
    from scoreserve.batch.job import Job
    from scoreserve.batch.sizes import size_for
    from scoreserve.batch.work import Kind, UnusableInput, Work

    if not arguments.input:
        command.error("name what is to be scored: --input PATH")
    if not arguments.output:
        command.error("name the folder for the results: --output DIR")
    options = BatchOptions()
    if arguments.deployment:
        options = read_options(Path(arguments.deployment))
        for note in options.notes:
            screen.tell(note)
    found = _settings(command, arguments, options)
    files = inputs.find(arguments.input, arguments.output)
    kind = _kind(arguments.kind, found, files)
    if kind is Kind.BATCH and not (arguments.app_root or os.environ.get("AML_APP_ROOT")):
        # As in Azure: imports start from the folder of the script.
        found = replace(found, app_root=os.path.dirname(found.script_path or ""))
    form = _form(arguments.input_format, kind, files)
    written = arguments.mini_batch_size or options.mini_batch_size
    try:
        size = size_for(written, form)
    except ValueError as error:
        raise UnusableInput(f"--mini-batch-size: {error}") from None
    output_format = _output_format(arguments.output_format, kind)
    action = arguments.output_action
    work = Work(
        settings=found.to_json().decode(),
        kind=kind,
        form=form,
        output=os.path.abspath(arguments.output),
        output_format=output_format,
        summary_only=action == "summary_only" if action else options.summary_only,
        max_tries=arguments.max_tries or options.max_tries,
        run_timeout_seconds=arguments.run_timeout or options.run_timeout_seconds,
        arguments=tuple(arguments.arguments) or options.arguments,
        dataset=arguments.input[0],
        started_in=os.getcwd(),
        variables=options.variables,
    )
    thresholds = options.thresholds
    if arguments.error_threshold is not None:
        thresholds = thresholds._replace(items=arguments.error_threshold)
    name = arguments.output_file or options.output_file or _usual_name(output_format)
    job = Job(work, files, size, name, thresholds, arguments.ordered, arguments.resume)
    if job.is_finished and not job.resume:
        raise UnusableInput(
            f"--output {arguments.output}: the results of another job are there. Name another"
            " folder, or remove this one."
        )
    screen.tell(_told(job, found))
    return job, arguments.workers or options.workers


def _settings(command: Parser, arguments: argparse.Namespace, options: BatchOptions) -> Settings:
    """The server's settings, as far as they are about the script. Raises UnusableInput."""
    from scoreserve.batch.work import UnusableInput

    if not arguments.script and not arguments.entry_script:
        arguments.script = options.script
    chosen = values(command, arguments, _FLAGS)
    if arguments.model_dir is None and options.model_dir is not None:
        chosen["model_dir"] = options.model_dir
    if chosen["model_dir"] is not None:
        chosen["model_dir"] = os.path.abspath(chosen["model_dir"])
    if chosen["entry_script"] is None and chosen["model"] is None:
        chosen["model"] = _model_in(chosen["model_dir"])
    if chosen["entry_script"] is None and chosen["model"] is None:
        command.error(
            "name the entry script, or the folder of a model that needs none: scoreserve batch"
            " score.py --input ... --output ..."
        )
    try:
        return load(chosen, {**os.environ, **options.variables}, os.getcwd()).settings
    except ConfigurationError as error:
        raise UnusableInput(f"{error.setting}: {error.problem}") from None


def _model_in(folder: str | None) -> str | None:
    """The folder, if it has a model that needs no script. Raises UnusableInput where it has one of
    another kind, or several.
    """
    from scoreserve.batch.work import UnusableInput

    try:
        return folder if find(Settings(model_dir=folder)) is not None else None
    except BootError as error:
        raise UnusableInput(str(error)) from None


def _kind(asked_for: str | None, settings: Settings, files: Sequence[InputFile]) -> Kind:
    """Raises UnusableInput."""
    from scoreserve.batch.script_kind import kind_of, kind_without_script
    from scoreserve.batch.work import Kind

    if settings.script_path is None:
        found = kind_without_script(settings, files)
        return Kind.ONLINE if asked_for == Kind.ONLINE.value else found
    found = kind_of(Path(settings.script_path))
    return found if asked_for is None else Kind(asked_for)


def _form(asked_for: str, kind: Kind, files: Sequence[InputFile]) -> Form:
    """Raises UnusableInput."""
    from scoreserve.batch.inputs import form_of
    from scoreserve.batch.work import Form, Kind, UnusableInput

    form = form_of(files, kind) if asked_for == "auto" else Form(asked_for)
    if form.is_table:
        from scoreserve.batch.tables import require_packages

        require_packages(form)
    if kind is not Kind.MLFLOW or form.is_table:
        return form
    if form is not Form.FILES:
        raise UnusableInput(
            f"--input-format {form.value}: an MLflow model without a script takes tables and images"
            " here. --script online scores lines as requests to the model."
        )
    from scoreserve.batch.mlflow_inputs import require_readable

    require_readable(files)
    return form


def _output_format(asked_for: str | None, kind: Kind) -> OutputFormat:
    """Raises UnusableInput."""
    from scoreserve.batch.work import Kind, OutputFormat, UnusableInput

    if kind is not Kind.ONLINE:
        return OutputFormat(asked_for or OutputFormat.TEXT)
    if asked_for not in (None, OutputFormat.JSONL.value):
        raise UnusableInput(
            f"--output-format {asked_for}: what an online script returns is JSON, so it is written"
            " as jsonl"
        )
    return OutputFormat.JSONL


def _usual_name(output_format: OutputFormat) -> str:
    """Azure's, where it has one for the format."""
    ending = "csv" if output_format.value == "text" else output_format.value
    return f"predictions.{ending}"


def _usual_workers() -> int:
    """As ParallelRunStep has it."""
    from scoreserve.batch.pool import gpus

    return 1 if gpus(os.environ) else max(1, int(available_cpus()))


def _engine(job: Job, workers: int | None, address: str | None) -> Engine:
    """What scores. Raises UnusableInput."""
    if address is None:
        from scoreserve.batch.pool import Pool

        return Pool(job.work, workers or _usual_workers(), max(1, int(available_cpus())))
    from scoreserve.batch.ray_engine import RayEngine

    return RayEngine(job.work, workers, address)


def _told(job: Job, settings: Settings) -> str:
    """What is about to be done, in a line."""
    script = settings.script_path or settings.model
    what = _CONTRACTS[job.work.kind.value]
    form = "" if job.work.form.value == "files" else f" as {job.work.form.value}"
    files = f"{counted(len(job.files), 'file')}{form}"
    each = counted(job.size.items or job.size.size_bytes, _unit(job))
    return f"{script}: {what}, {files}, {each} at once"


def _unit(job: Job) -> str:
    if not job.size.items:
        return "byte"
    if job.work.form.is_table:
        return "row"
    return "file" if job.work.form.value == "files" else "line"


def _tell(job: Job, ended: Ended) -> None:
    """How it ended."""
    from scoreserve.batch.progress import duration
    from scoreserve.batch.scorer import LOGS

    tally = ended.tally
    failed = f", {tally.failed_items} failed" if tally.failed_items else ""
    print(
        f"{counted(tally.succeeded_items, 'item')} succeeded{failed}, in"
        f" {counted(tally.mini_batches, 'mini-batch')} and"
        f" {duration(ended.seconds)}"
    )
    if ended.problem:
        print(coloured(ended.problem, "red", sys.stdout))
        print("What succeeded is kept: the same command with --resume tries the rest again.")
    elif not job.work.summary_only:
        print(f"Results  {job.results_path}")
    print(f"Logs     {job.output / LOGS}")


def _end(number: int, frame: FrameType | None) -> None:
    """Processes are ended on the way out."""
    raise SystemExit(128 + number)
