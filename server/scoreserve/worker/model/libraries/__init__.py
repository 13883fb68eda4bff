"""The libraries whose models go by rows, a module each."""

from __future__ import annotations

import logging
import sys
from importlib import import_module

from scoreserve.worker.model.libraries.library import Library, RowsCall

__all__ = ["Library", "RowsCall", "loaded"]

_log = logging.getLogger("azmlinfsrv")

# The library by the module that a process has when it may have its models, and our module of it.
_MODULES = {
    "sklearn.base": "scikit_learn",
    "xgboost.core": "xgboost_models",
    "lightgbm.basic": "lightgbm_models",
    "catboost.core": "catboost_models",
    "onnxruntime": "onnx_sessions",
    "keras": "keras_models",
    "torch.nn": "torch_modules",
    "mlflow.pyfunc": "mlflow_models",
}

_found: dict[str, Library | None] = {}  # None: its release is not one that we know


def loaded() -> list[Library]:
    """Those that the process has imported so far. Cheap: a look-up each."""
    for name, module in _MODULES.items():
        if name not in _found and name in sys.modules and _is_whole(name):
            _found[name] = _library(name, module)
    found = [_found.get(name) for name in _MODULES]
    return [library for library in found if library is not None]


def _library(name: str, module: str) -> Library | None:
    """What is known of the library. Its release may be older or newer than any that we do know, and
    lack what we ask of it: that is no reason for its models not to be served.
    """
    try:
        found: Library = import_module(f"{__name__}.{module}").LIBRARY
    except (ImportError, AttributeError) as error:
        package = name.partition(".")[0]
        _log.warning(
            "Batching: calls of %s do not meet: not known in this release (%s)", package, error
        )
        return None
    return found


def _is_whole(name: str) -> bool:
    """Whether the module is there for all: one that is being imported has not all its classes."""
    spec = getattr(sys.modules[name], "__spec__", None)
    return not getattr(spec, "_initializing", False)
