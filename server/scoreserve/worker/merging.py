"""Which requests may share a call of run(), and whose part of its result is whose.

Pure: no sockets, no clock, no calls of user code. The rules:

1. A payload is taken apart into row members and the rest. Row members are the top-level list; or
   the list-valued members of an object, if all have the same length; in pandas' split form, `data`
   and `index` but not `columns`. The same one level down in {"Inputs": ...} and
   {"input_data": ...}.
2. Two payloads may be merged when their group keys are equal: the same member names in the same
   order, the same rest, and rows of one inner shape, down to the type of every number. An int among
   floats changes the dtype of an array, and with it what the others would have got alone.
3. Merging concatenates the row members in order and leaves the rest as it is.
4. A result is split by row counts: a list, tuple, array, Series or DataFrame of as many items as
   rows; an object, by those members that were seen to follow the rows, the others copied; a str
   that is JSON, by its value, if writing it again gives the same text. A length that does not
   match exactly is no result for anyone.
5. How a result is split is not guessed from one merged result but learnt by comparing it with the
   results of the same payloads alone (`learn`): exact for integers and text, close for floats.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import orjson

_WRAPPERS = ("Inputs", "input_data")
_SPLIT_FORM = {"columns", "data"}
_SPLIT_ROWS = ("index", "data")

# orjson reads integers of over 64 bits as floats, where the stdlib reads them exactly. A text with
# one is never merged. What else it cannot carry (NaN, lone surrogates, overflowing floats) it
# refuses by itself. Begins with what may stand before a number, since looking behind costs more.
_LONG_INTEGER = re.compile(rb"[\[,:\s-]\d{19}")
_INT64 = 1 << 63
_RELATIVE_TOLERANCE = 1e-5  # what summing in another order may change in single precision
_ABSOLUTE_TOLERANCE = 1e-8


# Shapes of rows of plain floats and texts by the types in them: most rows look like one before.
_flat_shapes: dict[tuple[type, ...], Hashable] = {}
_MOST_FLAT_SHAPES = 1024


class Parts(NamedTuple):
    """A payload taken apart. `path` leads to the object with the row members, `names` are theirs;
    both are empty when the payload is itself the list of rows.
    """

    key: Hashable
    rows: int
    payload: Any
    path: tuple[str, ...]
    names: tuple[str, ...]

    def lists(self) -> list[list[Any]]:
        """The row members."""
        holder = self.payload
        for name in self.path:
            holder = holder[name]
        return [holder[name] for name in self.names] if self.names else [holder]


class Split(NamedTuple):
    """How results are split. `members` are the names that follow the rows in an object; None: the
    result itself does. `text`: it is the JSON text of such a value.
    """

    members: frozenset[str] | None
    copied: frozenset[str]
    text: bool


class NotSplit(Exception):
    """A result cannot be split. The argument is the reason, one of a few words for a metric."""


def parse_text(body: str) -> Any:
    """The value of a JSON text, if orjson reads it as the stdlib does. Raises ValueError."""
    encoded = body.encode()
    if _LONG_INTEGER.search(encoded):
        raise ValueError("an integer of over 64 bits")
    return orjson.loads(encoded)


def text_of(payload: Any) -> str:
    """The JSON text of a value that `parse_text` gave."""
    return orjson.dumps(payload).decode()


def take_apart(payload: Any) -> Parts | None:
    """The payload's rows and group key; None when it must run alone."""
    if type(payload) is list:
        shape = _common_shape(payload)
        return None if shape is None else Parts(shape, len(payload), payload, (), ())
    if type(payload) is not dict:
        return None
    for name in _WRAPPERS:
        inner = payload.get(name)
        if type(inner) is dict:
            return _take_object_apart(payload, inner, (name,))
    return _take_object_apart(payload, payload, ())


def merge(parts: Sequence[Parts]) -> Any:
    """One payload with the rows of all, which have equal keys."""
    joined = [
        [row for rows in member for row in rows]
        for member in zip(*(part.lists() for part in parts), strict=True)
    ]
    first = parts[0]
    if not first.names:
        return joined[0]
    return _with_rows(first.payload, first.path, dict(zip(first.names, joined, strict=True)))


def row_payloads(parts: Parts, most: int) -> list[Any]:
    """The first rows of a payload as payloads of one row each, at most `most`."""
    single = []
    for row in range(min(parts.rows, most)):
        lists = [member[row : row + 1] for member in parts.lists()]
        if parts.names:
            named = dict(zip(parts.names, lists, strict=True))
            single.append(_with_rows(parts.payload, parts.path, named))
        else:
            single.append(lists[0])
    return single


def learn(alone: Sequence[Any], counts: Sequence[int], merged: Any) -> Split:
    """How to split results like `merged`, the result for all rows at once, given the results of
    the payloads alone and their row counts.

    Raises NotSplit when the merged result is not made of those.
    """
    values, whole, text = list(alone), merged, type(merged) is str
    if text:
        values = [_value_of_text(value) for value in alone]
        whole = _value_of_text(merged)
    members = copied = None
    if type(whole) is dict:
        members, copied = _learn_members(values, counts, whole)
    split = Split(members, copied or frozenset(), text)
    for mine, theirs in zip(split_result(merged, counts, split), alone, strict=True):
        if not equal(mine, theirs):
            raise NotSplit("rows_differ")
    return split


def split_result(merged: Any, counts: Sequence[int], split: Split) -> list[Any]:
    """The parts of a merged result, in the order of `counts`. Raises NotSplit."""
    if split.text:
        if type(merged) is not str:
            raise NotSplit("type")
        pieces = split_result(_value_of_text(merged), counts, split._replace(text=False))
        return [json.dumps(piece) for piece in pieces]
    if split.members is None:
        return _cut(merged, counts)
    if type(merged) is not dict or merged.keys() != split.members | split.copied:
        raise NotSplit("members")
    pieces = [{} for _ in counts]
    for name, value in merged.items():
        parts = _cut(value, counts) if name in split.members else [value] * len(counts)
        for piece, part in zip(pieces, parts, strict=True):
            piece[name] = part
    return pieces


def equal(left: Any, right: Any) -> bool:
    """Whether two results are the same answer: floats close, all else exact, types alike."""
    if hasattr(left, "dtype") or hasattr(right, "dtype") or hasattr(left, "columns"):
        return _equal_arrays(left, right)
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return _close(left, right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(equal(left[name], right[name]) for name in left)
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def _take_object_apart(payload: Any, holder: dict[str, Any], path: tuple[str, ...]) -> Parts | None:
    if holder.keys() >= _SPLIT_FORM and type(holder["columns"]) is list:
        names = tuple(name for name in _SPLIT_ROWS if type(holder.get(name)) is list)
    else:
        names = tuple(name for name, value in holder.items() if type(value) is list)
    if not names:
        return None
    lists = [holder[name] for name in names]
    if len({len(rows) for rows in lists}) != 1:
        return None
    shapes = tuple(_common_shape(rows) for rows in lists)
    if None in shapes:
        return None
    rest = _with_rows(payload, path, dict.fromkeys(names))
    return Parts((repr(rest), names, shapes), len(lists[0]), payload, path, names)


def _with_rows(payload: Any, path: tuple[str, ...], lists: dict[str, Any]) -> Any:
    """A copy of the payload with other row members, in the same order."""
    if not path:
        return {**payload, **lists}
    return {**payload, path[0]: {**payload[path[0]], **lists}}


def _common_shape(rows: list[Any]) -> Hashable | None:
    """The inner shape of all rows; None if they differ, or there are none."""
    if not rows:
        return None
    first = _shape(rows[0])
    if any(_shape(row) != first for row in rows[1:]):
        return None
    return (list, first)


def _shape(value: Any) -> Hashable:
    """What a row looks like but for its numbers and texts."""
    kind = type(value)
    if kind is list:
        kinds = tuple(map(type, value))
        known = _flat_shapes.get(kinds)
        if known is not None:
            return known
        if list in kinds or dict in kinds or int in kinds:
            return (list, *map(_shape, value))
        if len(_flat_shapes) >= _MOST_FLAT_SHAPES:
            _flat_shapes.clear()
        return _flat_shapes.setdefault(kinds, (list, *kinds))
    if kind is dict:
        return (dict, *value, *map(_shape, value.values()))
    if kind is int and not -_INT64 <= value < _INT64:
        return (int, value)  # an array of these is one of objects
    return (kind,)


def _learn_members(
    alone: list[Any], counts: Sequence[int], whole: dict[str, Any]
) -> tuple[frozenset[str], frozenset[str]]:
    if any(type(value) is not dict or value.keys() != whole.keys() for value in alone):
        raise NotSplit("members")
    total = sum(counts)
    members = frozenset(
        name
        for name, value in whole.items()
        if _length(value) == total
        and all(_length(one[name]) == count for one, count in zip(alone, counts, strict=True))
    )
    if not members:
        raise NotSplit("no_rows")
    return members, frozenset(whole) - members


def _length(value: Any) -> int | None:
    """How many rows a value has, or None when it is not of rows."""
    if isinstance(value, (list, tuple)):
        return len(value)
    shape = getattr(value, "shape", None)
    return int(shape[0]) if isinstance(shape, tuple) and shape else None


def _cut(value: Any, counts: Sequence[int]) -> list[Any]:
    if _length(value) != sum(counts):
        raise NotSplit("length")
    rows = getattr(value, "iloc", value)
    pieces = []
    start = 0
    for count in counts:
        pieces.append(rows[start : start + count])
        start += count
    return pieces


def _value_of_text(text: Any) -> Any:
    """The value of a JSON text that writing again gives back. Raises NotSplit."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError):
        raise NotSplit("text") from None
    if json.dumps(value) != text or type(value) not in (list, dict):
        raise NotSplit("text")
    return value


def _equal_arrays(left: Any, right: Any) -> bool:
    if type(left) is not type(right) or left.shape != right.shape:
        return False
    if str(getattr(left, "dtype", "")) != str(getattr(right, "dtype", "")):
        return False
    return equal(_plain(left), _plain(right))


def _plain(value: Any) -> Any:
    if hasattr(value, "columns"):
        return value.to_dict(orient="list")
    return value.tolist()


def _close(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=_RELATIVE_TOLERANCE, abs_tol=_ABSOLUTE_TOLERANCE)
