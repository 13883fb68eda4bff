"""Lists of rows: texts, rows of numbers, rows of texts, arrays of a row, or an object each.

A library makes an array of a list, and the array's dtype depends on all items: that one row has a
float makes floats of all. So the key says what the list is made of, and those are joined that make
the same array.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from scoreserve.worker.model.kinds import NotByRows
from scoreserve.worker.model.kinds.equality import same as same_values

_EXACT = 2**53  # whole numbers up to here are floats too


def key(values: Any) -> Hashable | None:
    if not values:
        return None
    kinds = set(map(type, values))
    if len(kinds) != 1:
        kind = _number(kinds, values)
        return (list, kind) if kind else None
    (kind,) = kinds
    if kind is str or kind is dict:
        return (list, kind)
    if kind is int or kind is float:
        return (list, _number(kinds, values))
    if kind.__name__ == "ndarray":
        return _key_of_arrays(values, kind)
    return _key_of_nested(values, kind) if kind is list or kind is tuple else None


def _key_of_arrays(values: Sequence[Any], kind: type) -> Hashable | None:
    """An array a row: of numbers all of one type, which the library puts together."""
    first = values[0]
    alike = {(array.dtype, array.shape) for array in values} == {(first.dtype, first.shape)}
    by_rows = alike and first.ndim == 1 and first.dtype.kind in "biuf" and len(first)
    return (list, kind, first.dtype, first.shape) if by_rows else None


def _key_of_nested(values: Sequence[Any], kind: type) -> Hashable | None:
    width = len(values[0])
    if not width or any(len(row) != width for row in values):
        return None
    items: set[type] = set()
    for row in values:
        items.update(map(type, row))
    if items == {str}:
        return (list, kind, str, width)
    if items <= {int, float}:
        number = _number(items, [item for row in values for item in row])
        return (list, kind, number, width) if number else None
    return None


def _number(kinds: set[type], values: Sequence[Any]) -> type | None:
    """What an array of them holds: float as soon as there is one."""
    if not kinds <= {int, float}:
        return None
    if int in kinds and not all(
        -_EXACT <= value <= _EXACT for value in values if type(value) is int
    ):
        return None
    return float if float in kinds else int


def rows(values: Any) -> int:
    return len(values)


def join(values: Sequence[Any]) -> Any:
    return [row for rows_of_one in values for row in rows_of_one]


def cut(result: Any, counts: Sequence[int]) -> list[Any]:
    to_write_to = [id(row) for row in result if type(row).__hash__ is None]
    if len(set(to_write_to)) < len(to_write_to):
        raise NotByRows("the result has one object for several rows")
    pieces = []
    start = 0
    for count in counts:
        pieces.append(result[start : start + count])
        start += count
    return pieces


def same(cut: Any, alone: Any, *, exact: bool) -> bool:
    return len(cut) == len(alone) and all(
        same_values(mine, theirs, exact=exact) for mine, theirs in zip(cut, alone, strict=True)
    )
