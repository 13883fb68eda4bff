"""Which contract a script is written for, by its text, or a model without one is scored by: the
driver runs none of it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from scoreserve import model_files
from scoreserve.batch.inputs import InputFile, forms_of
from scoreserve.batch.work import Form, Kind, UnusableInput
from scoreserve.errors import BootError
from scoreserve.settings import Settings

_ONLINE_PARAMETER = "raw_data"


def kind_of(script: Path) -> Kind:
    """ONLINE where run() is under @input_schema or its first parameter is `raw_data`, else BATCH.

    Raises UnusableInput for a script under @rawhttp, which needs requests, and for one that is not
    Python.
    """
    try:
        tree = ast.parse(script.read_bytes(), str(script))
    except (SyntaxError, ValueError) as error:
        raise UnusableInput(f"{script}: it cannot be parsed: {error}") from None
    run = next((node for node in tree.body if _is_run(node)), None)
    if not isinstance(run, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return Kind.BATCH
    decorators = {_name(decorator) for decorator in run.decorator_list}
    if "rawhttp" in decorators:
        raise UnusableInput(
            f"{script}, line {run.lineno}: run() is under @rawhttp, so it takes HTTP requests,"
            " which a batch has none of. Write a run(mini_batch) or a run(raw_data)."
        )
    parameters = [*run.args.posonlyargs, *run.args.args]
    is_online = bool(parameters) and parameters[0].arg == _ONLINE_PARAMETER
    return Kind.ONLINE if is_online or "input_schema" in decorators else Kind.BATCH


def kind_without_script(settings: Settings, files: Sequence[InputFile]) -> Kind:
    """MLFLOW for such a model over tables and images, else ONLINE, by the built-in script that
    serves the model. Raises UnusableInput where there is no model.
    """
    try:
        found = model_files.find(settings)
    except BootError as error:
        raise UnusableInput(str(error)) from None
    if found is None:
        raise UnusableInput("name the entry script: scoreserve batch score.py --input ...")
    has_lines = Form.JSONL in forms_of(files)
    is_mlflow = found.kind is model_files.Kind.MLFLOW
    return Kind.MLFLOW if is_mlflow and not has_lines else Kind.ONLINE


def _is_run(node: ast.stmt) -> bool:
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == "run"


def _name(decorator: ast.expr) -> str:
    target = decorator.func if isinstance(decorator, ast.Call) else decorator
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
