"""What an estimator of scikit-learn holds, and whether something of it is the script's own.

All attributes are looked at, parameters and what was learnt: a step, a kernel, a tokenizer. Not
what only fit uses, nor what is long and of numbers and texts, nor the trees of a forest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scoreserve.worker.model.libraries import nested
from scoreserve.worker.model.libraries import scikit_learn_classes as classes
from scoreserve.worker.model.libraries.library import root_of

# Where numbers, texts and what works on one item or axis come from.
_PLAIN_PACKAGES = frozenset({"builtins", "numpy", "scipy", "pandas"})
_PLAIN = frozenset(
    {
        *(type(None), bool, int, float, str, bytes, complex, type, slice),
        *(np.ndarray, np.float64, np.float32, np.int64, np.int32, np.bool_, np.str_),
    }
)
_SKIPPED_OF_FORESTS = classes.NOT_LOOKED_AT | classes.OWN_TREES
_COLLECTIONS = frozenset({list, tuple, set, frozenset, dict})


def refusal(estimator: Any, name: str) -> str:
    """Why an estimator does not go by rows because of what it holds; empty when it does."""
    skipped = _SKIPPED_OF_FORESTS if name in classes.FORESTS else classes.NOT_LOOKED_AT
    for attribute, value in vars(estimator).items():
        if type(value) not in _PLAIN and attribute not in skipped:
            reason = _refusal_of(value, name, attribute)
            if reason:
                return reason
    return ""


def _refusal_of(value: Any, owner: str, attribute: str) -> str:
    cls = type(value)
    if cls in _COLLECTIONS:
        for item in value.values() if cls is dict else value:
            if type(item) not in _PLAIN:
                reason = _refusal_of(item, owner, attribute)
                if reason:
                    return reason
        return ""
    if isinstance(value, type):
        return ""
    if nested.is_model(value):
        return nested.refusal_of_model(value)
    if nested.is_declared(value) or nested.is_declared(cls):
        return ""
    return _refusal_of_object(value, owner, attribute)


def _refusal_of_object(value: Any, owner: str, attribute: str) -> str:
    cls = type(value)
    package = root_of(cls)
    if callable(value) and package in ("builtins", "functools", "numpy"):
        return _refusal_of_function(value, owner, attribute)
    if package in _PLAIN_PACKAGES:
        return ""
    if package != "sklearn":
        return f"{owner} has a {cls.__qualname__} in {attribute}, which is not known to go by rows"
    if cls.__module__ not in classes.HOLDERS:
        return ""  # made by fit, and of trees with ways back up
    held = vars(value).values()
    return _refusal_of([item for item in held if item is not value], owner, attribute)


def _refusal_of_function(function: Any, owner: str, attribute: str) -> str:
    """Functions of a library work on an item or an axis; what the script's do is not known."""
    by_items = getattr(function, "__objclass__", None) is str  # str.lower, str.split
    if isinstance(function, np.ufunc):
        by_items = function.signature is None
    package = (getattr(function, "__module__", None) or "").partition(".")[0]
    of_library = package in ("numpy", "scipy", "sklearn")
    if by_items or (of_library and attribute not in classes.GET_ALL_ROWS):
        return ""
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{owner} calls {name}, given as its {attribute}, which is not known to go by rows"
