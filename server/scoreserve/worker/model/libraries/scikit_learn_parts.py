"""What an estimator of scikit-learn holds, and whether something of it is the script's own.

All attributes are looked at, parameters and what was learnt: a step, a kernel, a tokenizer. Not
what only fit uses, nor what is long and of numbers and texts, nor the trees of a forest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from scoreserve.worker.model.libraries import nested
from scoreserve.worker.model.libraries import scikit_learn_classes as classes
from scoreserve.worker.model.libraries.library import root_of

# Where numbers, texts and what works on one item or axis come from.
_PLAIN_PACKAGES = frozenset({"builtins", "numpy", "scipy", "pandas"})
_PLAIN = frozenset(
    {type(None), bool, int, float, str, bytes, complex, np.ndarray, np.dtype, type, slice}
)
_COLLECTIONS = frozenset({list, tuple, set, frozenset, dict})


def refusal(estimator: Any, name: str) -> str:
    """Why an estimator does not go by rows because of what it holds; empty when it does."""
    skipped = classes.NOT_LOOKED_AT
    if name in classes.FORESTS:
        skipped |= classes.OWN_TREES
    return _first(
        _refusal_of(value, name, attribute)
        for attribute, value in vars(estimator).items()
        if type(value) not in _PLAIN and attribute not in skipped
    )


def _first(reasons: Iterable[str]) -> str:
    return next(filter(None, reasons), "")


def _refusal_of(value: Any, owner: str, attribute: str) -> str:
    cls = type(value)
    if cls in _PLAIN or isinstance(value, type):
        return ""
    if cls in _COLLECTIONS:
        values = value.values() if cls is dict else value
        return _first(_refusal_of(item, owner, attribute) for item in values)
    if nested.is_declared(value) or nested.is_declared(cls):
        return ""
    if nested.is_model(value):
        return nested.refusal_of_model(value)
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
    held = vars(value).items()
    return _first(_refusal_of(item, cls.__qualname__, name) for name, item in held)


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
