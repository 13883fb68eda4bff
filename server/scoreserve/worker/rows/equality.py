"""When two values are the same answer: floats close or exactly, all else exactly, types alike."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from scoreserve.worker.script.tables import numbers_its_rows

NESTED = frozenset({list, tuple, dict})  # types of values that hold others

EXACT = frozenset({int, str, bool, type(None)})  # types whose values are equal or not
_PLAIN = NESTED | {float}  # neither arrays nor what has subclasses that are

_RELATIVE_TOLERANCE = 1e-5  # what summing in another order may change in single precision
_ABSOLUTE_TOLERANCE = 1e-8


def equal(left: Any, right: Any, *, exactly: bool = False) -> bool:
    """Whether two values, results of scripts among them, are the same down to their last item.

    Floats are `exactly` the same if they are written alike, NaN and the sign of 0 included. Raises
    whatever the methods of the values raise.
    """
    kind = type(left)
    if kind is not type(right):
        return False
    if kind in EXACT:
        return bool(left == right)
    if kind not in _PLAIN and (hasattr(left, "dtype") or hasattr(left, "columns")):
        return _equal_arrays(left, right, exactly=exactly)
    if isinstance(left, float):
        return repr(left) == repr(right) if exactly else _close(left, right)
    if isinstance(left, (list, tuple, dict)):
        return _equal_items(left, right, exactly=exactly)
    return bool(left == right)


def _equal_items(left: Any, right: Any, *, exactly: bool) -> bool:
    if len(left) != len(right):
        return False
    if isinstance(left, dict):
        if list(left) != list(right):
            return False
        left, right = left.values(), right.values()
    return all(map(partial(equal, exactly=exactly) if exactly else equal, left, right))


def _equal_arrays(left: Any, right: Any, *, exactly: bool) -> bool:
    if left.shape != right.shape:
        return False
    if hasattr(left, "dtype") and kind_of_array(left) != kind_of_array(right):
        return False
    if not equal(_labels(left), _labels(right), exactly=True):
        return False
    return equal(plain_values(left), plain_values(right), exactly=exactly)


def _labels(value: Any) -> list[Any] | None:
    """The labels of a Series or DataFrame that are a part of the answer made of it."""
    index = getattr(value, "index", None)
    if index is None or numbers_its_rows(value):
        return None
    return [list(index.names), index.tolist()]


def kind_of_array(array: Any) -> str:
    """The dtype, but for the length of the longest text in it, which depends on all rows."""
    kind = getattr(array.dtype, "kind", "")
    return str(kind) if kind in ("S", "U") else str(array.dtype)


def plain_values(value: Any) -> Any:
    """The items of an array, Series or DataFrame as lists."""
    if hasattr(value, "columns"):
        return value.to_dict(orient="list")
    return value.tolist()


def _close(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=_RELATIVE_TOLERANCE, abs_tol=_ABSOLUTE_TOLERANCE)
