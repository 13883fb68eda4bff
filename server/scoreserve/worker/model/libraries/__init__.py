"""The libraries whose models go by rows, a module each."""

from __future__ import annotations

import sys
from importlib import import_module

from scoreserve.worker.model.libraries.library import Library, RowsCall

__all__ = ["Library", "RowsCall", "loaded"]

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

_found: dict[str, Library] = {}


def loaded() -> list[Library]:
    """Those that the process has imported so far. Cheap: a look-up each."""
    for name, module in _MODULES.items():
        if name not in _found and name in sys.modules and _is_whole(name):
            found: Library = import_module(f"{__name__}.{module}").LIBRARY
            _found[name] = found
    return [_found[name] for name in _MODULES if name in _found]


def _is_whole(name: str) -> bool:
    """Whether the module is there for all: one that is being imported has not all its classes."""
    spec = getattr(sys.modules[name], "__spec__", None)
    return not getattr(spec, "_initializing", False)
