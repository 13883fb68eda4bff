"""Which script a worker runs: the user's, or a built-in one where there is only a model."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable
from typing import Any

from scoreserve import model_files
from scoreserve.errors import BootError
from scoreserve.model_files import Kind, ModelFile
from scoreserve.settings import Settings
from scoreserve.worker.nocode.model import Model
from scoreserve.worker.nocode.script import BuiltInScript
from scoreserve.worker.script import entry_script
from scoreserve.worker.script.entry_script import EntryScript

_log = logging.getLogger("azmlinfsrv")
_Load = Callable[[str, str, str, Settings], Model]


def load(settings: Settings) -> EntryScript:
    """The entry script; without one, a built-in script for the model. Raises BootError where there
    is neither, or the model cannot be served.
    """
    found = _model_without_script(settings)
    if found is None:
        return entry_script.load(settings)
    _log.info("Serving the %s model %s without an entry script", found.kind.value, found.path)
    return built_in(found, settings)


def stage(settings: Settings) -> str:
    """What `load` does, for /health/ready."""
    return "loading the model" if settings.model else "importing the entry script"


def built_in(found: ModelFile, settings: Settings) -> EntryScript:
    """The built-in script for a model. Raises BootError."""
    told = found.path, model_files.model_name(settings), found.kind.value, settings
    if found.kind is Kind.MLFLOW:
        from scoreserve.worker.nocode import mlflow_models

        return mlflow_models.load(*told)
    model = _loader(found.kind)(*told)
    script = BuiltInScript(model, settings.max_batch_size)
    return EntryScript(script.init, script.run, model.interface)


def _model_without_script(settings: Settings) -> ModelFile | None:
    """The model to serve where no script is meant: where --model says so, or where there is neither
    a setting for a script nor a module `main`.
    """
    if settings.model:
        return model_files.find(settings)
    if settings.entry_script or importlib.util.find_spec("main") is not None:
        return None
    try:
        return model_files.find(settings)
    except BootError as error:
        raise BootError(
            f"{error}\nThere is no entry script either: neither --entry-script nor main.py.",
            what=error.what,
            where=error.where,
            remedy=error.remedy,
        ) from None


def _loader(kind: Kind) -> _Load:
    """Imported only for a model that needs it."""
    load: Any
    if kind is Kind.ONNX:
        from scoreserve.worker.nocode.onnx_models import load
    elif kind is Kind.XGBOOST:
        from scoreserve.worker.nocode.boosters import load_xgboost as load
    elif kind is Kind.LIGHTGBM:
        from scoreserve.worker.nocode.boosters import load_lightgbm as load
    elif kind is Kind.SKOPS:
        from scoreserve.worker.nocode.scikit_learn import load_skops as load
    else:
        from scoreserve.worker.nocode.scikit_learn import load_pickle as load
    return load  # type: ignore[no-any-return]
