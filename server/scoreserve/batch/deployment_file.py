"""Azure's files for batches, as options: YAML of a batch deployment (`settings`, or the old flat
form), of a parallel job, or ParallelRunConfig's names.

    batch deployment    code_configuration, model, settings: mini_batch_size, retry_settings, ...
    parallel job        task: code, entry_script, program_arguments, model; the rest at the top
    ParallelRunConfig   source_directory, entry_script, run_max_try, run_invocation_timeout, ...
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from scoreserve.batch.sizes import parse
from scoreserve.batch.tally import NO_THRESHOLDS, UNLIMITED, Thresholds
from scoreserve.batch.work import MAX_TRIES, RUN_TIMEOUT_SECONDS
from scoreserve.deploy.files.documents import Fields, read

_ACTIONS = ("append_row", "summary_only")
_TYPES = ("model", "pipeline")
_ENDPOINT_TIMEOUT_SECONDS = 30  # of a batch deployment; parallel jobs have 60
_ENDPOINT_RETRIES, _PARALLEL_RETRIES = 3, 2
_ONE_FILE = (1, "")  # what a parallel job has for mini_batch_size
_ON_A_CLUSTER = "the compute is this machine, or a cluster with --ray-address"
_IN_AZURE = {
    "environment": "scripts run in this Python environment",
    "compute": _ON_A_CLUSTER,
    "compute_target": _ON_A_CLUSTER,
    "partition_keys": "mini-batches are cut by number or by size",
}


@dataclass(frozen=True)
class BatchOptions:
    """What a file says. None, or "": nothing."""

    script: str | None = None
    model_dir: str | None = None
    mini_batch_size: tuple[int, str] | None = None
    summary_only: bool = False
    output_file: str = ""
    workers: int | None = None
    max_tries: int = MAX_TRIES
    run_timeout_seconds: float = RUN_TIMEOUT_SECONDS
    thresholds: Thresholds = NO_THRESHOLDS
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def read_options(path: Path) -> BatchOptions:
    """Raises DeploymentError."""
    notes: list[str] = []
    top = Fields(read(path), str(path), notes)
    root = path.absolute().parent
    if "task" in top:
        found = _parallel_job(top, root)
    elif "run_max_try" in top or "process_count_per_node" in top or "entry_script" in top:
        found = _parallel_run_config(top, root)
    else:
        found = _batch_deployment(top, root)
    return replace(found, notes=tuple(dict.fromkeys(notes)))


def _batch_deployment(top: Fields, root: Path) -> BatchOptions:
    if top.choice("type", _TYPES, _TYPES[0]) != _TYPES[0]:
        top.refuse("type", "a pipeline of components has no script that could be run here")
    top.ignore("$schema", "name", "endpoint_name", "description", "tags", "properties")
    top.only_in_azure(_IN_AZURE)
    code = top.inner("code_configuration")
    script = None if code is None else _script(code, root, "scoring_script")
    settings = top.inner("settings") or top  # the old form has them at the top
    retries = settings.inner("retry_settings")
    tries, timeout = _retries(retries, _ENDPOINT_RETRIES, _ENDPOINT_TIMEOUT_SECONDS)
    settings.ignore("logging_level")
    options = BatchOptions(
        script=script,
        model_dir=_model(top, root),
        mini_batch_size=_size(settings),
        summary_only=settings.choice("output_action", _ACTIONS, _ACTIONS[0]) == _ACTIONS[1],
        output_file=settings.text("output_file_name"),
        workers=settings.whole("max_concurrency_per_instance", 1) or 1,
        max_tries=tries,
        run_timeout_seconds=timeout,
        thresholds=_thresholds(settings),
        variables=top.variables("environment_variables"),
    )
    _nodes(top)
    if settings is not top:
        _note_nodes(settings)
        variables = {**options.variables, **settings.variables("environment_variables")}
        options = replace(options, variables=variables)
        settings.close()
    top.close()
    return options


def _parallel_job(top: Fields, root: Path) -> BatchOptions:
    top.ignore("$schema", "name", "type", "description", "display_name", "experiment_name")
    top.ignore("inputs", "outputs", "input_data", "logging_level", "tags", "version")
    top.only_in_azure(_IN_AZURE)
    task = top.inner("task")
    assert task is not None
    task.ignore("type")
    task.only_in_azure({"environment": _IN_AZURE["environment"]})
    appends_to = task.text("append_row_to")
    tries, timeout = _retries(top.inner("retry_settings"), _PARALLEL_RETRIES, RUN_TIMEOUT_SECONDS)
    options = BatchOptions(
        script=_script(task, root, "entry_script"),
        model_dir=_model(task, root),
        mini_batch_size=_size(top) or _ONE_FILE,
        summary_only=not appends_to,
        workers=top.whole("max_concurrency_per_instance", 1),
        max_tries=tries,
        run_timeout_seconds=timeout,
        thresholds=_thresholds(top),
        arguments=_arguments(task),
        variables=top.variables("environment_variables"),
    )
    _nodes(top)
    task.close()
    top.close()
    return options


def _parallel_run_config(top: Fields, root: Path) -> BatchOptions:
    top.ignore("logging_level", "description")
    top.only_in_azure(_IN_AZURE)
    folder = root / top.text("source_directory")
    nodes = top.whole("node_count", 1)
    if nodes is not None and nodes > 1:
        top.note("node_count", _ON_A_CLUSTER)
    options = BatchOptions(
        script=_script(top, folder, "entry_script"),
        mini_batch_size=_size(top),
        summary_only=top.choice("output_action", _ACTIONS, _ACTIONS[0]) == _ACTIONS[1],
        output_file=top.text("append_row_file_name") or "parallel_run_step.txt",
        workers=top.whole("process_count_per_node", 1),
        max_tries=top.whole("run_max_try", 1) or MAX_TRIES,
        run_timeout_seconds=top.number("run_invocation_timeout", 1) or RUN_TIMEOUT_SECONDS,
        thresholds=_thresholds(top),
        variables=top.variables("environment_variables"),
    )
    top.close()
    return options


def _script(fields: Fields, root: Path, name: str) -> str | None:
    folder = fields.path("code", root) or root
    path = fields.path(name, folder)
    return None if path is None else str(path)


def _model(fields: Fields, root: Path) -> str | None:
    """A model by its path; one that is registered in Azure is not here."""
    model = fields.take("model")
    if isinstance(model, Mapping):
        model = model.get("path")
    if not isinstance(model, str):
        return None
    if model.startswith("azureml:"):
        fields.note("model", "a registered model is not on this machine: name it with --model-dir")
        return None
    path = (root / model).resolve()
    if not path.exists():
        fields.refuse("model", f"no such file or folder: {path}")
    return str(path if path.is_dir() else path.parent)


def _size(fields: Fields) -> tuple[int, str] | None:
    text = fields.text("mini_batch_size")
    try:
        return parse(text) if text else None
    except ValueError as error:
        fields.refuse("mini_batch_size", f"{error}, not {text!r}")


def _retries(fields: Fields | None, retries: int, timeout_seconds: float) -> tuple[int, float]:
    """Tries in all, and the time limit of run()."""
    if fields is None:
        return retries + 1, timeout_seconds
    found = fields.whole("max_retries")
    limit = fields.number("timeout", 1) or timeout_seconds
    fields.close()
    return (retries if found is None else found) + 1, limit


def _thresholds(fields: Fields) -> Thresholds:
    items = fields.whole("error_threshold", UNLIMITED)
    named = "mini_batch_error_threshold"
    name = named if named in fields else "allowed_failed_count"
    batches = fields.whole(name, UNLIMITED)
    percent = fields.number("allowed_failed_percent", 0, 100)
    return Thresholds(
        UNLIMITED if items is None else items,
        UNLIMITED if batches is None else batches,
        100.0 if percent is None else percent,
    )


def _arguments(fields: Fields) -> tuple[str, ...]:
    text = fields.text("program_arguments")
    if "${{" in text:
        fields.note("program_arguments", "ignored, for they name inputs: write them after --")
        return ()
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        fields.refuse("program_arguments", f"cannot be split as a shell does: {error}")


def _nodes(fields: Fields) -> None:
    resources = fields.inner("resources")
    if resources is not None:
        _note_nodes(resources)


def _note_nodes(fields: Fields) -> None:
    if (fields.whole("instance_count", 1) or 1) > 1:
        fields.note("instance_count", _ON_A_CLUSTER)
