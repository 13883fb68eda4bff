"""Which requests may share a call of run(): payloads taken apart, and merged.

Pure: no sockets, no clock, no calls of run(). The rules:

1. A payload is taken apart into row members and the rest. Row members are the top-level list; or
   the list-valued members of an object, if all have the same length; in pandas' split form, `data`
   and `index` but not `columns`. The same one level down in {"Inputs": ...} and
   {"input_data": ...}.
2. Two payloads may be merged when their group keys are equal: the same member names in the same
   order, the same rest, and rows of one inner shape, down to the type of every number. An int among
   floats changes the dtype of an array, and with it what the others would have got alone.
3. Merging concatenates the row members in order and leaves the rest as it is.
4. Whatever the rows have had alike so far may be a parameter of the call that the script reads from
   the first of them. So a member or a column of records counts as following the rows only once it
   differed in a proof; until then its value is one of the kind (`fixed_columns`).

How the result of a merged call is split is in `splitting`.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson

from scoreserve.worker.rows.equality import NESTED, equal
from scoreserve.worker.rows.reasons import NotMerged
from scoreserve.worker.script.fast_json import has_long_integer

_WRAPPERS = ("Inputs", "input_data")
_SPLIT_FORM = {"columns", "data"}
_SPLIT_ROWS = ("index", "data")
_INT64 = 1 << 63
_DEEPEST_ROW = 32  # levels; scripts and parsers have limits of their own, which a client may try

# Shapes of rows of plain floats and texts by the types in them: most rows look like one before.
_flat_shapes: dict[tuple[type, ...], Hashable] = {}
_MOST_FLAT_SHAPES = 256
_LONGEST_FLAT_SHAPE = 4096  # cells


class TakenApart(Protocol):
    """A payload's rows and what else there is of it, see Parts."""

    @property
    def key(self) -> Hashable: ...

    @property
    def rows(self) -> int: ...

    @property
    def payload(self) -> Any: ...

    @property
    def path(self) -> tuple[str, ...]: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def has_columns(self) -> bool: ...

    def lists(self) -> list[list[Any]]: ...


class Parts(NamedTuple):
    """A payload taken apart. `path` leads to the object with the row members, `names` are theirs;
    both are empty when the payload is itself the list of rows.
    """

    key: Hashable
    rows: int
    payload: Any
    path: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def split_form(self) -> bool:
        """Whether it is a frame in pandas' split form."""
        holder = self._holder()
        return type(holder) is dict and holder.keys() >= _SPLIT_FORM

    @property
    def has_columns(self) -> bool:
        """Whether its rows have parts with names, see `fixed_columns`."""
        first = self.lists()[0][0]
        return len(self.names) > 1 or type(first) is dict or self.split_form

    def lists(self) -> list[list[Any]]:
        """The row members."""
        holder = self._holder()
        return [holder[name] for name in self.names] if self.names else [holder]

    def _holder(self) -> Any:
        holder = self.payload
        for name in self.path:
            holder = holder[name]
        return holder


def parse_text(body: str) -> Any:
    """The value of a JSON text, if orjson reads it as the stdlib does. Raises NotMerged."""
    try:
        if has_long_integer(body):
            raise NotMerged("long_integer")
        return orjson.loads(body)
    except ValueError:  # a lone surrogate cannot be encoded
        raise NotMerged("not_json") from None


def text_of(payload: Any) -> str:
    """The JSON text of a value that `parse_text` gave."""
    return orjson.dumps(payload).decode()


def take_apart(payload: Any) -> Parts:
    """The payload's rows and group key. Raises NotMerged when it must run alone."""
    if type(payload) is list:
        return Parts(_common_shape(payload), len(payload), payload, (), ())
    if type(payload) is not dict:
        raise NotMerged("no_rows")
    for name in _WRAPPERS:
        inner = payload.get(name)
        if type(inner) is dict:
            return _take_object_apart(payload, inner, (name,))
    return _take_object_apart(payload, payload, ())


def merge(parts: Sequence[TakenApart]) -> Any:
    """One payload with the rows of all, which have equal keys."""
    joined = [
        [row for rows in member for row in rows]
        for member in zip(*(part.lists() for part in parts), strict=True)
    ]
    first = parts[0]
    if not first.names:
        return joined[0]
    return _with_rows(first.payload, first.path, dict(zip(first.names, joined, strict=True)))


def part_of(parts: TakenApart, start: int, stop: int) -> Parts:
    """Some of the rows of a payload as one of their own."""
    lists = [member[start:stop] for member in parts.lists()]
    if not parts.names:
        return take_apart(lists[0])
    named = dict(zip(parts.names, lists, strict=True))
    return take_apart(_with_rows(parts.payload, parts.path, named))


def copied(value: Any) -> Any:
    """A copy of a JSON value, down to its last list and object."""
    if type(value) is list:
        return [copied(item) if type(item) in NESTED else item for item in value]
    if type(value) is dict:
        return {name: copied(item) for name, item in value.items()}
    return value


def fixed_columns(many: Sequence[TakenApart]) -> dict[Hashable, Any]:
    """The columns that have one value in all rows, and that value. A payload whose only member has
    rows other than records has no columns to tell apart.
    """
    fixed: dict[Hashable, Any] = {}
    first = True
    for parts in many:
        columns = dict(_columns(parts))
        if first:
            fixed = {name: values[0] for name, values in columns.items()}
            first = False
        fixed = {
            name: value
            for name, value in fixed.items()
            if name in columns and all(equal(other, value, exactly=True) for other in columns[name])
        }
    return fixed


def keeps_to(parts: TakenApart, fixed: Mapping[Hashable, Any]) -> bool:
    """Whether the rows have these values in the columns that have one."""
    if not fixed:
        return True
    columns = dict(_columns(parts))
    return all(
        all(equal(value, fixed[name], exactly=True) for value in columns[name])
        for name in fixed
        if name in columns
    )


def _take_object_apart(payload: Any, holder: dict[str, Any], path: tuple[str, ...]) -> Parts:
    if holder.keys() >= _SPLIT_FORM and type(holder["columns"]) is list:
        names = tuple(name for name in _SPLIT_ROWS if type(holder.get(name)) is list)
    else:
        names = tuple([name for name, value in holder.items() if type(value) is list])
    if not names:
        raise NotMerged("no_rows")
    lists = [holder[name] for name in names]
    rows = len(lists[0])
    if len(lists) > 1 and any(len(member) != rows for member in lists):
        raise NotMerged("no_rows")
    shapes = tuple([_common_shape(member) for member in lists])
    try:
        rest = repr(_with_rows(payload, path, dict.fromkeys(names)))
    except (
        Exception
    ):  # nested too deeply, or the default value of a parameter, which may do anything
        raise NotMerged("rest") from None
    return Parts((rest, names, shapes), rows, payload, path, names)


def _columns(parts: Any) -> Iterator[tuple[Hashable, list[Any]]]:
    """The members of a payload, and the columns of its records or of a frame in split form, each
    with its values by row.
    """
    if not parts.has_columns:
        return
    for place, rows in enumerate(parts.lists()):
        first = rows[0]
        if type(first) is dict:
            for name in first:
                yield (place, name), [row[name] for row in rows]
        elif type(first) is list and parts.split_form:
            for column in range(len(first)):
                yield (place, column), [row[column] for row in rows]
        else:
            yield (place,), rows


def _with_rows(payload: Any, path: tuple[str, ...], lists: dict[str, Any]) -> Any:
    """A copy of the payload with other row members, in the same order."""
    if not path:
        return {**payload, **lists}
    return {**payload, path[0]: {**payload[path[0]], **lists}}


def _common_shape(rows: list[Any]) -> Hashable:
    """The inner shape of all rows. Raises NotMerged if they differ, or there are none."""
    if not rows:
        raise NotMerged("no_rows")
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
