"""The plain values of numpy: lists and numbers, dates and durations as text, records as objects.

numpy is not imported here: a script that has not imported it cannot return its objects.
"""

from __future__ import annotations

import math
from typing import Any

from scoreserve.worker.script.conversions import NOT_MINE, NoPlainValue

_NO_DURATION = -(2**63)  # how numpy holds one that is missing
_LONG_FLOAT = "g"  # of more bits than Python's
_OF_NO_LENGTH = ("Y]", "M]")  # units of durations: years and months


def of_numpy(value: Any) -> Any:
    """The plain value of an array or scalar. In one of objects NaN is a missing value, and null;
    among floats it is a float.
    """
    dtype = getattr(value, "dtype", None)
    if dtype is None or not type(dtype).__module__.startswith("numpy"):
        return NOT_MINE
    if not hasattr(value, "tolist"):  # what only holds such an array
        return NOT_MINE
    if dtype.names is not None:
        return _records(value, dtype.names)
    if dtype.kind == "M":
        return _dates(value)
    if dtype.kind == "m":
        return _durations(value)
    if dtype.char == _LONG_FLOAT:  # tolist() makes nothing else of it
        value = value.astype("f8")
    items = value.tolist()
    return _without_nan(items, value.ndim) if dtype.kind in "OT" else items


def duration_text(nanoseconds: int) -> str:
    """In ISO 8601, as pandas writes it: P1DT2H3M4.5S."""
    seconds, nanoseconds = divmod(nanoseconds, 10**9)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    fraction = f".{nanoseconds:09d}".rstrip("0").rstrip(".")
    return f"P{days}DT{hours}H{minutes}M{seconds}{fraction}S"


def _records(value: Any, names: tuple[str, ...]) -> Any:
    if value.ndim:
        return list(value)
    record = value[()]
    return {name: record[name] for name in names}


def _without_nan(items: Any, depth: int) -> Any:
    if depth:
        return [_without_nan(item, depth - 1) for item in items]
    return None if isinstance(items, float) and math.isnan(items) else items


def _dates(value: Any) -> Any:
    """tolist() gives numbers for a unit that datetime does not have."""
    missing = _is_missing(value)
    texts = value.astype(str)
    if not value.ndim:
        return None if missing else str(texts)
    texts = texts.astype(object)
    texts[missing] = None
    return texts.tolist()


def _durations(value: Any) -> Any:
    unit = value.dtype.str
    if "[" not in unit:  # a number of nothing
        return value.tolist()
    exact = value.astype("m8[ns]")
    if unit.endswith(_OF_NO_LENGTH) or ((exact != value) & ~_is_missing(value)).any():
        raise NoPlainValue(f"a duration of type {value.dtype} is no number of nanoseconds")
    return _duration_texts(exact.astype("i8").tolist())


def _duration_texts(items: Any) -> Any:
    if isinstance(items, list):
        return [_duration_texts(item) for item in items]
    return None if items is None or items == _NO_DURATION else duration_text(items)


def _is_missing(value: Any) -> Any:
    return value != value  # noqa: PLR0124 - so of dates and durations only NaT is
