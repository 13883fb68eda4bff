"""Which requests may share a call of run(), and whose part of its result is whose.

Pure: no sockets, no clock, no calls of run(). The rules:

1. A payload is taken apart into row members and the rest. Row members are the top-level list; or
   the list-valued members of an object, if all have the same length; in pandas' split form, `data`
   and `index` but not `columns`. The same one level down in {"Inputs": ...} and
   {"input_data": ...}.
2. Two payloads may be merged when their group keys are equal: the same member names in the same
   order, the same rest, and rows of one inner shape, down to the type of every number. An int among
   floats changes the dtype of an array, and with it what the others would have got alone.
3. Merging concatenates the row members in order and leaves the rest as it is.
4. A result is split by row counts: a list, tuple, array, Series or DataFrame of as many items as
   rows; an object, by those members that were seen to follow the rows; a str that is JSON, by its
   value, if writing it again gives the same text.
5. How a result is split is not guessed from one merged result but learnt by comparing it with the
   results of the same payloads alone (`learn`): exact for integers and text, close for floats.
6. A merged result is of use only if its length is that of the rows exactly, each row has a type and
   shape that a row had before, and each member that does not follow the rows has the value it
   always had.
7. Whatever the rows have had alike so far may be a parameter of the call that the script reads from
   the first of them. So a member or a column of records counts as following the rows only once it
   differed in a proof; until then its value is one of the kind (`fixed_columns`).
8. Results are objects of the script's, whose methods may do anything: whatever they raise means
   that the result cannot be split.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import orjson

_WRAPPERS = ("Inputs", "input_data")
_SPLIT_FORM = {"columns", "data"}
_SPLIT_ROWS = ("index", "data")

# orjson reads integers of over 64 bits as floats, where the stdlib reads them exactly. A text with
# one is never merged. What else it cannot carry (NaN, lone surrogates, overflowing floats) it
# refuses by itself. Few texts have so many digits in a row, which is found out much faster.
_LONG_INTEGER = re.compile(rb"[\[,:\s-]\d{19}")
_ALL_DIGITS_0 = bytes(ord("0") if chr(byte).isdecimal() else byte for byte in range(256))
_LONG_DIGITS = b"0" * 19
_INT64 = 1 << 63
_DEEPEST_ROW = 32  # levels; scripts and parsers have limits of their own, which a client may try
_RELATIVE_TOLERANCE = 1e-5  # what summing in another order may change in single precision
_ABSOLUTE_TOLERANCE = 1e-8
_NESTED = frozenset({list, tuple, dict})
ROWS_DIFFER = "rows_differ"  # the one reason that ends merging for good
_ITSELF = ""  # the name of a result that is its own only member
_MOST_SHAPES = 256  # of result rows: a client may have a say in them

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


class Split(NamedTuple):
    """How results are split.

    `members` are the names of those that follow the rows in an object, `constants` the others with
    their values; `members` None: the result itself follows them. `spellings`, unless empty: the
    result is the JSON text of such a value, written in one of these ways. `shapes` are those that
    rows had, each with the name of its member.
    """

    members: frozenset[str] | None
    constants: Mapping[str, Any]
    spellings: tuple[Spelling, ...]
    shapes: frozenset[Hashable]


class Spelling(NamedTuple):
    """How a script writes JSON: an option of json.dumps each."""

    separators: tuple[str, str]
    ensure_ascii: bool

    def write(self, value: Any) -> str:
        """The value as the script writes it."""
        return json.dumps(value, separators=self.separators, ensure_ascii=self.ensure_ascii)


_SPELLINGS = tuple(
    Spelling(separators, ensure_ascii)
    for separators in ((", ", ": "), (",", ":"))
    for ensure_ascii in (True, False)
)


class Because(Exception):
    """Something cannot be done. The argument is the reason."""

    @property
    def reason(self) -> str:
        return str(self.args[0])


class NotSplit(Because):
    """A result cannot be split. The argument is the reason, one of a few words for a metric."""


class NotMerged(Because):
    """A payload must run alone. The argument is the reason, one of a few words for a metric."""


def parse_text(body: str) -> Any:
    """The value of a JSON text, if orjson reads it as the stdlib does. Raises NotMerged."""
    try:
        encoded = body.encode()
        if _LONG_DIGITS in encoded.translate(_ALL_DIGITS_0) and _LONG_INTEGER.search(encoded):
            raise NotMerged("long_integer")
        return orjson.loads(encoded)
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
        return [copied(item) if type(item) in _NESTED else item for item in value]
    if type(value) is dict:
        return {name: copied(item) for name, item in value.items()}
    return value


def learn(alone: Sequence[Any], counts: Sequence[int], merged: Any) -> Split:
    """How to split results like `merged`, the result for all rows at once, given the results of
    the payloads alone and their row counts.

    Raises NotSplit when the merged result is not made of those.
    """
    with _objects_of_the_script():
        split = Split(None, {}, _SPELLINGS if type(merged) is str else (), frozenset())
        read = [_read(value, split) for value in [merged, *alone]]
        whole, *values = [value for value, _ in read]
        if split.spellings:
            fitting = [s for s in _SPELLINGS if all(s in spellings for _, spellings in read)]
            split = split._replace(spellings=tuple(fitting))
        if type(whole) is dict:
            members, constants = _learn_members(values, counts, whole)
            split = split._replace(members=members, constants=constants)
        split = split._replace(shapes=_shapes([whole, *values], split))
    for mine, theirs in zip(split_result(merged, counts, split), alone, strict=True):
        if not same(mine, theirs):
            raise NotSplit(ROWS_DIFFER)
    return split


def agreed(before: Split | None, now: Split) -> Split:
    """What two proofs say together. Raises NotSplit when they contradict each other."""
    if before is None:
        return now
    spellings = tuple(s for s in now.spellings if s in before.spellings)
    if before.members != now.members or bool(before.spellings) != bool(spellings):
        raise NotSplit("members")
    with _objects_of_the_script():
        if not _equal(before.constants, now.constants, exactly=True):
            raise NotSplit("constants")
    return now._replace(spellings=spellings, shapes=before.shapes | now.shapes)


def with_shapes_of(split: Split, alone: Any) -> Split:
    """The split after one more result of a payload alone, whose rows may look like none before.

    One that is no result of this form, as an error is none, teaches nothing.
    """
    if len(split.shapes) >= _MOST_SHAPES:
        return split
    try:
        with _objects_of_the_script():
            shapes = _shapes([_read(alone, split)[0]], split)
    except NotSplit:
        return split
    return split._replace(shapes=split.shapes | shapes)


def split_result(merged: Any, counts: Sequence[int], split: Split) -> list[Any]:
    """The parts of a merged result, in the order of `counts`. Raises NotSplit."""
    with _objects_of_the_script():
        whole, spellings = _read(merged, split)
        members = _following(whole, split)
        if any(_length(value) != sum(counts) for value in members.values()):
            raise NotSplit("length")
        if not _shapes([whole], split) <= split.shapes:
            raise NotSplit("row_shape")
        if split.members is None:
            pieces = _cut(whole, counts)
        else:
            pieces = _cut_object(whole, members, counts)
        return [spellings[0].write(piece) for piece in pieces] if spellings else pieces


def same(left: Any, right: Any) -> bool:
    """Whether two results are the same answer: floats close, all else exact, types alike.

    Raises NotSplit when they cannot be compared.
    """
    return all_same([left], right)


def all_same(results: Sequence[Any], known: Any) -> bool:
    """Whether each result is `same` as a known one. Raises NotSplit."""
    with _objects_of_the_script():
        return all(_equal(result, known) or _equal_texts(result, known) for result in results)


def kept(result: Any) -> Any:
    """A copy of a result to compare others with: the script may use its object again. Raises
    NotSplit.
    """
    with _objects_of_the_script():
        return copy.deepcopy(result)


def of_one_form(results: Sequence[Any], like: Any | None = None) -> list[int]:
    """The places of those results that have the form of `like`, or else the most common one. Raises
    NotSplit.

    Results of two forms are not split the same way: an error that the script returned as a result
    says nothing about the others.
    """
    with _objects_of_the_script():
        forms = [_form(result) for result in results]
        if like is not None:
            wanted = _form(like)
        else:
            wanted = Counter(forms).most_common(1)[0][0] if forms else None
        return [place for place, form in enumerate(forms) if form == wanted]


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
            if name in columns
            and all(_equal(other, value, exactly=True) for other in columns[name])
        }
    return fixed


def keeps_to(parts: TakenApart, fixed: Mapping[Hashable, Any]) -> bool:
    """Whether the rows have these values in the columns that have one."""
    if not fixed:
        return True
    columns = dict(_columns(parts))
    return all(
        all(_equal(value, fixed[name], exactly=True) for value in columns[name])
        for name in fixed
        if name in columns
    )


@contextmanager
def _objects_of_the_script() -> Iterator[None]:
    try:
        yield
    except NotSplit:
        raise
    except Exception as error:
        raise NotSplit("result_raised") from error


def _equal(left: Any, right: Any, *, exactly: bool = False) -> bool:
    if hasattr(left, "dtype") or hasattr(right, "dtype") or hasattr(left, "columns"):
        return _equal_arrays(left, right, exactly=exactly)
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return repr(left) == repr(right) if exactly else _close(left, right)
    if isinstance(left, dict):
        return list(left) == list(right) and all(
            _equal(left[name], right[name], exactly=exactly) for name in left
        )
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(
            _equal(one, other, exactly=exactly) for one, other in zip(left, right, strict=True)
        )
    return bool(left == right)


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


def _form(result: Any) -> Hashable:
    if type(result) is str:
        try:
            return (str, _form(json.loads(result)))
        except (ValueError, RecursionError):
            return (str,)
    return (dict, *result) if type(result) is dict else (type(result),)


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


def _learn_members(
    alone: list[Any], counts: Sequence[int], whole: dict[str, Any]
) -> tuple[frozenset[str], dict[str, Any]]:
    """The members that follow the rows, and the others with their values."""
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
    return members, {name: value for name, value in whole.items() if name not in members}


def _following(value: Any, split: Split) -> dict[str, Any]:
    """The members of a result that follow its rows, if the others are what they always are."""
    if split.members is None:
        return {_ITSELF: value}
    if type(value) is not dict or value.keys() != split.members | split.constants.keys():
        raise NotSplit("members")
    constants = split.constants
    if not all(_equal(value[name], constants[name], exactly=True) for name in constants):
        raise NotSplit("constants")
    return {name: rows for name, rows in value.items() if name in split.members}


def _shapes(values: Sequence[Any], split: Split) -> frozenset[Hashable]:
    """The types and shapes of all rows of results, each with the name of its member."""
    shapes: set[Hashable] = set()
    for value in values:
        for name, rows in _following(value, split).items():
            shapes.update((name, shape) for shape in _row_shapes(rows))
    return frozenset(shapes)


def _row_shapes(rows: Any) -> set[Hashable]:
    if hasattr(rows, "columns"):
        return {(type(rows), *rows.columns, *map(str, rows.dtypes)), *_odd_floats(_plain(rows))}
    if hasattr(rows, "dtype"):
        shape = (type(rows), _kind_of_array(rows), rows.shape[1:])
        return {shape, *_odd_floats(_plain(rows))}
    kinds = set(map(type, rows))
    if kinds.isdisjoint(_NESTED) and not any(hasattr(kind, "dtype") for kind in kinds):
        return {*((type(rows), kind) for kind in kinds), *_odd_floats(rows)}
    return {*((type(rows), _result_shape(row)) for row in rows), *_odd_floats(rows)}


def _odd_floats(value: Any) -> set[Hashable]:
    """The floats, by where they are in an object, that others may have become beside floats: a
    missing value becomes NaN among them, and an integer one without a fraction.
    """
    if isinstance(value, dict):
        return {(name, odd) for name, item in value.items() for odd in _odd_floats(item)}
    if not isinstance(value, (list, tuple)):
        value = (value,)
    kinds = set(map(type, value))
    found: set[Hashable] = set()
    floats = value if kinds == {float} else [item for item in value if type(item) is float]
    if any(map(math.isnan, floats)):
        found.add("nan")
    if any(map(float.is_integer, floats)):
        found.add("whole")
    if not kinds.isdisjoint(_NESTED):
        for item in value:
            if type(item) in _NESTED:
                found |= _odd_floats(item)
    return found


def _result_shape(value: Any) -> Hashable:
    """What a row of a result looks like; how many items it has may differ, as detections do."""
    kind = type(value)
    if kind is list or kind is tuple:
        return (kind, frozenset(map(_result_shape, value)))
    if kind is dict:
        return (dict, *value, *map(_result_shape, value.values()))
    if hasattr(value, "dtype"):
        return (kind, _kind_of_array(value), len(value.shape))
    return (kind,)


def _length(value: Any) -> int | None:
    """How many rows a value has, or None when it is not of rows."""
    if isinstance(value, (list, tuple)):
        return len(value)
    shape = getattr(value, "shape", None)
    return int(shape[0]) if isinstance(shape, tuple) and shape else None


def _cut_object(
    whole: dict[str, Any], members: Mapping[str, Any], counts: Sequence[int]
) -> list[Any]:
    pieces: list[dict[str, Any]] = [{} for _ in counts]
    for name, value in whole.items():
        parts = _cut(value, counts) if name in members else [value] * len(counts)
        for piece, part in zip(pieces, parts, strict=True):
            piece[name] = part
    return pieces


def _cut(value: Any, counts: Sequence[int]) -> list[Any]:
    rows = getattr(value, "iloc", value)
    pieces = []
    start = 0
    for count in counts:
        pieces.append(rows[start : start + count])
        start += count
    return pieces


def _read(result: Any, split: Split) -> tuple[Any, tuple[Spelling, ...]]:
    """The value of a result, and the ways in which its text may have been written, if it is one.

    Raises NotSplit for a text that writing its value again does not give back.
    """
    if not split.spellings:
        return result, ()
    try:
        value = json.loads(result)
    except (TypeError, ValueError):
        raise NotSplit("text") from None
    fitting = tuple(spelling for spelling in split.spellings if spelling.write(value) == result)
    if not fitting or type(value) not in (list, dict):
        raise NotSplit("text")
    return value, fitting


def _equal_texts(left: Any, right: Any) -> bool:
    """Whether two results are texts of JSON values that are equal."""
    if type(left) is not str or type(right) is not str:
        return False
    try:
        return _equal(json.loads(left), json.loads(right))
    except ValueError:
        return False


def _equal_arrays(left: Any, right: Any, *, exactly: bool) -> bool:
    if type(left) is not type(right) or left.shape != right.shape:
        return False
    if hasattr(left, "dtype") and _kind_of_array(left) != _kind_of_array(right):
        return False
    return _equal(_plain(left), _plain(right), exactly=exactly)


def _kind_of_array(array: Any) -> str:
    """The dtype, but for the length of the longest text in it, which depends on all rows."""
    kind = getattr(array.dtype, "kind", "")
    return str(kind) if kind in ("S", "U") else str(array.dtype)


def _plain(value: Any) -> Any:
    if hasattr(value, "columns"):
        return value.to_dict(orient="list")
    return value.tolist()


def _close(left: float, right: float) -> bool:
    if math.isnan(left) or math.isnan(right):
        return math.isnan(left) and math.isnan(right)
    return math.isclose(left, right, rel_tol=_RELATIVE_TOLERANCE, abs_tol=_ABSOLUTE_TOLERANCE)
