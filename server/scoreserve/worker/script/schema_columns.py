"""The columns of a JSON table as pandas.read_json has them, and as inference-schema casts them.

    records    [{"a": 1, "b": "x"}, ...]
    split      {"columns": ["a", "b"], "data": [[1, "x"], ...], "index": [0, ...]}

What a table becomes depends on the Python types in each column, its kinds, and on the dtype that
the sample has there. Only what is understood is read: None stands for all else, which is left to
pandas.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

Kinds = frozenset[type]

_NONE = type(None)
_INTEGERS: Kinds = frozenset({int})
_BOOLS: Kinds = frozenset({bool})
_NUMBERS: Kinds = frozenset({int, float, _NONE})
_TEXTS: Kinds = frozenset({str, _NONE})
_ONLY_NONE: Kinds = frozenset({_NONE})
_EXACT = 1 << 53  # up to here every integer is a float
# pandas takes larger numbers for dates where it reads labels (from 31,536,000 seconds on).
_LARGEST_LABEL = 9_999_999
_NUMBER = re.compile(r"0|[1-9][0-9]{0,6}")
_DATE_NAMES = frozenset({"modified", "date", "datetime"})


class Table(NamedTuple):
    """The columns of a JSON table by name. `labels` are its rows'; None: they are only counted."""

    names: tuple[str, ...]
    columns: Sequence[Sequence[Any]]
    labels: list[int] | None
    rows: int

    def kinds(self) -> list[Kinds]:
        """The types of the values in each column."""
        return [frozenset(map(type, column)) for column in self.columns]


def table(orient: str, value: Any) -> Table | None:
    """The table that `value` is in this orient. Raises KeyError, as other rows may have others."""
    return _records(value) if orient == "records" else _split(value) if orient == "split" else None


def _records(value: Any) -> Table | None:
    if type(value) is not list or set(map(type, value)) != {dict}:
        return None
    names = tuple(value[0])
    if not names or set(map(len, value)) != {len(names)}:
        return None
    return Table(names, [[row[name] for row in value] for name in names], None, len(value))


def _split(value: Any) -> Table | None:
    if type(value) is not dict or not value.keys() <= {"columns", "data", "index"}:
        return None
    names, rows, labels = value["columns"], value["data"], value.get("index")
    if type(names) is not list or type(rows) is not list or set(map(type, names)) != {str}:
        return None
    unique = len(set(names)) == len(names)
    if not unique or set(map(type, rows)) != {list} or set(map(len, rows)) != {len(names)}:
        return None
    if "index" in value and not _are_plain_numbers(labels, len(rows)):
        return None
    return Table(tuple(names), list(zip(*rows, strict=True)), labels, len(rows))


def _are_plain_numbers(labels: Any, rows: int) -> bool:
    """Whether these are numbers for so many rows that pandas takes for no dates."""
    if type(labels) is not list or len(labels) != rows or set(map(type, labels)) != {int}:
        return False
    return all(0 <= label <= _LARGEST_LABEL for label in labels)


def numbers_of(names: tuple[str, ...]) -> list[int] | None:
    """The integers that read_json makes of names such as "0", "1", where all are such."""
    return [int(name) for name in names] if all(map(_NUMBER.fullmatch, names)) else None


def names_dates(name: str) -> bool:
    """Whether some release of read_json takes a column of this name for one of dates."""
    lower = name.lower()
    return lower.endswith(("_at", "_time")) or lower.startswith("timestamp") or lower in _DATE_NAMES


def is_known(kinds: Kinds) -> bool:
    """Whether a column of such values is understood, whatever its dtype is to be."""
    if kinds <= _TEXTS or kinds <= _NUMBERS:
        return kinds != _ONLY_NONE
    return kinds == _BOOLS


def cast(values: Sequence[Any], kinds: Kinds, dtype: Any, index: Any) -> Any:
    """A new array or Series of this dtype, of values whose kinds are known, as read_json and
    astype() would have it.

    Raises TypeError, ValueError or OverflowError where that cannot be.
    """
    numpy, pandas = sys.modules["numpy"], sys.modules["pandas"]
    kind = dtype.kind if isinstance(dtype, numpy.dtype) else ""
    if kind == "m":
        raise TypeError("a text of a duration is another than numpy's")
    if kinds <= _TEXTS:
        texts = [math.nan if value is None else value for value in values]
        if kind == "O" or str(dtype) == "str":  # pandas would infer another, or this
            return pandas.Series(texts, index=index, dtype=dtype)
        return pandas.Series(texts, index=index).astype(dtype)
    raw = _plain_array(values, kinds)
    if kind == "f" or (kind in ("i", "u", "b") and raw.dtype == dtype):
        if raw.dtype.kind != "b":
            return raw.astype(dtype, copy=False)
        if kind == "b":
            return raw
    return pandas.Series(raw, index=index).astype(dtype)


def _plain_array(values: Sequence[Any], kinds: Kinds) -> Any:
    """The array that read_json has of numbers or bools. Among floats, None is NaN."""
    numpy = sys.modules["numpy"]
    if kinds == _BOOLS:
        return numpy.array(values, dtype=bool)
    if kinds == _INTEGERS:
        return numpy.array(values, dtype="int64")
    if int in kinds and any(type(value) is int and abs(value) > _EXACT for value in values):
        raise OverflowError("an integer among floats that may be none of them")
    return numpy.array(values, dtype="float64")
