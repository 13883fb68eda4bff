"""Models within models: each must go by rows itself, whichever library it is of.

A pipeline, a search, a vote call what the script gave them. So all that a model holds is looked
at: its parameters and what it learnt. What is not of a known library is the script's own code,
which may look at all rows at once.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from importlib import import_module
from typing import Any

from scoreserve.worker.model.libraries.library import class_name, root_of

# Our modules with a `refusal_of_model(model, method)` by the package that a model's class is of.
_MODULES = {
    "sklearn": "scikit_learn",
    "xgboost": "xgboost_models",
    "lightgbm": "lightgbm_models",
    "catboost": "catboost_models",
    "onnxruntime": "onnx_sessions",
    "keras": "keras_models",
    "torch": "torch_modules",
    "torchvision": "torch_modules",
}

_refusals: dict[str, Callable[[Any, str], str]] = {}

# Classes and functions that the script's author says go by rows.
_declared: set[Hashable] = set()


def declare(by_rows: Hashable) -> None:
    """Takes the author's word for a class or a function of theirs."""
    _declared.add(by_rows)


def is_declared(by_rows: Any) -> bool:
    try:
        return bool(_declared) and by_rows in _declared
    except TypeError:  # it has no hash
        return False


def refusal_of_model(model: Any, method: str = "") -> str:
    """Why a model does not go by rows; empty when it does. Without a method: in any of its own."""
    cls = type(model)
    if is_declared(cls):
        return ""
    package = root_of(cls)
    refusal = _refusals.get(package)
    if refusal is None:
        name = _MODULES.get(package)
        if name is None:
            return f"{class_name(model)} is of no library that is known to go by rows"
        parent = __name__.rpartition(".")[0]
        refusal = _refusals[package] = import_module(f"{parent}.{name}").refusal_of_model
    return refusal(model, method)


def is_model(value: Any) -> bool:
    cls: Any = type(value)
    return _is_model_class(cls)


@lru_cache(maxsize=1024)  # a class that the script makes for each request is not kept for long
def _is_model_class(cls: Any) -> bool:
    return any(hasattr(cls, name) for name in ("predict", "transform", "fit"))
