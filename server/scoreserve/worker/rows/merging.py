"""Which requests may share a call of run(): payloads taken apart, and merged.

Pure: no sockets, no clock, no calls of run(). The rules:

1. A payload is taken apart into row members and the rest. Row members are the top-level list; or
   the list-valued members of an object, if all have the same length; in pandas' split form, `data`
   and `index` but not `columns`. The same one level down in {"Inputs": ...} and
   {"input_data": ...}.
2. Two payloads may be merged when they have the same member names in the same order, the same rest,
   and rows of one inner shape, down to the type of every number. An int among floats changes the
   dtype of an array, and with it what the others would have got alone.
3. Merging concatenates the row members in order and leaves the rest as it is.

Bodies are merged as texts (`frames`), arguments of a decorated run() as values, here. How the
result of a merged call is split is in `splitting`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import orjson

from scoreserve.worker.rows.equality import NESTED
from scoreserve.worker.rows.reasons import NotMerged
from scoreserve.worker.script.fast_json import has_long_integer

NOT_JSON = "not_json"

_WRAPPERS = ("Inputs", "input_data")
_SPLIT_FORM = {"columns", "data"}
_SPLIT_ROWS = ("index", "data")
_INT64 = 1 << 63
_DEEPEST_ROW = 32  # levels; scripts and parsers have limits of their own, which a client may try

# Shapes of rows of plain floats and texts by the types in them: most rows look like one before.
_flat_shapes: dict[tuple[type, ...], Hashable] = {}
_MOST_FLAT_SHAPES = 256
_LONGEST_FLAT_SHAPE = 4096  # cells


class Parts(NamedTuple):
    """A payload taken apart. `path` leads to the object with the row members, `names` are theirs;
    both are empty when the payload is itself the list of rows. `key` is equal for those that may be
    merged.
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


def parse_text(body: str) -> Any:
    """The value of a JSON text, if orjson reads it as the stdlib does. Raises NotMerged."""
    try:
        if has_long_integer(body):
            raise NotMerged("long_integer")
        return orjson.loads(body)
    except ValueError:  # a lone surrogate cannot be encoded
        raise NotMerged(NOT_JSON) from None


def take_apart(payload: Any) -> Parts:
    """The payload's rows and key. Raises NotMerged when it must run alone."""
    path, names = place_of_rows(payload)
    parts = Parts(None, 0, payload, path, names)
    rows, shapes = rows_and_shapes(parts.lists())
    if not names:
        return parts._replace(key=shapes, rows=rows)
    try:
        rest = repr(_with_rows(payload, path, dict.fromkeys(names)))
    except (
        Exception
    ):  # nested too deeply, or the default value of a parameter, which may do anything
        raise NotMerged("rest") from None
    return parts._replace(key=(rest, names, shapes), rows=rows)


def place_of_rows(payload: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The path and names of Parts. Raises NotMerged where there are no rows."""
    if type(payload) is list:
        return (), ()
    if type(payload) is not dict:
        raise NotMerged("no_rows")
    holder, path = payload, tuple[str, ...]()
    for name in _WRAPPERS:
        if type(payload.get(name)) is dict:
            holder, path = payload[name], (name,)
            break
    if holder.keys() >= _SPLIT_FORM and type(holder["columns"]) is list:
        names = tuple(name for name in _SPLIT_ROWS if type(holder.get(name)) is list)
    else:
        names = tuple([name for name, value in holder.items() if type(value) is list])
    if not names:
        raise NotMerged("no_rows")
    return path, names


def has_several_lists(names: Sequence[str]) -> bool:
    """Whether which of these members go by rows is not clear from their names."""
    return len(names) > 1 and set(names) != set(_SPLIT_ROWS)


def rows_and_shapes(lists: Sequence[list[Any]]) -> tuple[int, Hashable]:
    """How many rows there are, and their inner shape in each member. Raises NotMerged."""
    rows = len(lists[0])
    if not rows or (len(lists) > 1 and any(len(member) != rows for member in lists)):
        raise NotMerged("no_rows")
    return rows, tuple([_common_shape(member) for member in lists])


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


def part_of(payload: Any, start: int, stop: int) -> Any:
    """A payload with some of the rows alone. Raises NotMerged."""
    parts = take_apart(payload)
    lists = [member[start:stop] for member in parts.lists()]
    if not parts.names:
        return lists[0]
    return _with_rows(payload, parts.path, dict(zip(parts.names, lists, strict=True)))


def copied(value: Any) -> Any:
    """A copy of a JSON value, down to its last list and object."""
    if type(value) is list:
        return [copied(item) if type(item) in NESTED else item for item in value]
    if type(value) is dict:
        return {name: copied(item) for name, item in value.items()}
    return value


def count_of_floats(value: Any) -> int | None:
    """How many there are in lists of floats, None where there is anything else."""
    if type(value) is float:
        return 1
    if type(value) is not list:
        return None
    counts = [count_of_floats(item) for item in value]
    return None if None in counts else sum(count for count in counts if count)


def _with_rows(payload: Any, path: tuple[str, ...], lists: dict[str, Any]) -> Any:
    """A copy of the payload with other row members, in the same order."""
    if not path:
        return {**payload, **lists}
    return {**payload, path[0]: {**payload[path[0]], **lists}}


def _common_shape(rows: list[Any]) -> Hashable:
    """The inner shape of all rows. Raises NotMerged if they differ."""
    first = _shape(rows[0])
    if len(rows) > 1 and any(_shape(row) != first for row in rows[1:]):
        raise NotMerged("uneven_rows")
    return (list, first)


def _shape(value: Any, depth: int = 0) -> Hashable:
    """What a row looks like but for its numbers and texts."""
    if depth > _DEEPEST_ROW:
        raise NotMerged("too_deep")
    kind = type(value)
    if kind is list:
        kinds = tuple(map(type, value))
        known = _flat_shapes.get(kinds)
        if known is not None:
            return known
        if list in kinds or dict in kinds or int in kinds:
            return (list, *[_shape(item, depth + 1) for item in value])
        shape = (list, *kinds)
        if len(kinds) <= _LONGEST_FLAT_SHAPE:
            if len(_flat_shapes) >= _MOST_FLAT_SHAPES:
                _flat_shapes.clear()
            _flat_shapes[kinds] = shape
        return shape
    if kind is dict:
        return (dict, *value, *[_shape(item, depth + 1) for item in value.values()])
    if kind is int and not -_INT64 <= value < _INT64:
        return (int, value)  # an array of these is one of objects
    return (kind,)
