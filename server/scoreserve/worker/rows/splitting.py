"""Whose part of a merged call's result is whose.

Pure: no sockets, no clock, no calls of run(). The rules:

1. A result is split by row counts: a list, tuple, array, Series or DataFrame of as many items as
   rows; an object, by those members that were seen to follow the rows; a str that is JSON, by its
   value, if writing it again gives the same text.
2. How a result is split is not guessed from one merged result but learnt by comparing it with the
   results of the same payloads alone (`learn`): exact for integers and text, close for floats.
3. A merged result is of use only if its length is that of the rows exactly, each row has a type and
   shape that a row had before, and each member that does not follow the rows has the value it
   always had.
4. Results are objects of the script's, whose methods may do anything: whatever they raise means
   that the result cannot be split.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from json import dumps, loads  # the script may put others in their place
from typing import Any, NamedTuple

from scoreserve.worker.rows.equality import NESTED, equal, kind_of_array, plain_values
from scoreserve.worker.rows.plain_rows import not_plainly
from scoreserve.worker.rows.reasons import ROWS_DIFFER, NotSplit
from scoreserve.worker.script.tables import numbers_its_rows

_ITSELF = ""  # the name of a result that is its own only member
_MOST_SHAPES = 256  # of result rows: a client may have a say in them


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
        return dumps(value, separators=self.separators, ensure_ascii=self.ensure_ascii)


_SPELLINGS = tuple(
    Spelling(separators, ensure_ascii)
    for separators in ((", ", ": "), (",", ":"))
    for ensure_ascii in (True, False)
)


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
        if not equal(before.constants, now.constants, exactly=True):
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
    others = not_plainly(known, results)
    with _objects_of_the_script():
        return all(equal(result, known) or _equal_texts(result, known) for result in others)


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


@contextmanager
def _objects_of_the_script() -> Iterator[None]:
    try:
        yield
    except NotSplit:
        raise
    except Exception as error:
        raise NotSplit("result_raised") from error


def _form(result: Any) -> Hashable:
    if type(result) is str:
        try:
            return (str, _form(loads(result)))
        except (ValueError, RecursionError):
            return (str,)
    return (dict, *result) if type(result) is dict else (type(result),)


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
    if not all(equal(value[name], constants[name], exactly=True) for name in constants):
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
        return {
            (type(rows), *rows.columns, *map(str, rows.dtypes)),
            *_odd_floats(plain_values(rows)),
        }
    if hasattr(rows, "dtype"):
        shape = (type(rows), kind_of_array(rows), rows.shape[1:])
        return {shape, *_odd_floats(plain_values(rows))}
    kinds = set(map(type, rows))
    if kinds.isdisjoint(NESTED) and not any(hasattr(kind, "dtype") for kind in kinds):
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
    if not kinds.isdisjoint(NESTED):
        for item in value:
            if type(item) in NESTED:
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
        return (kind, kind_of_array(value), len(value.shape))
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
    numbered = numbers_its_rows(value)
    pieces = []
    start = 0
    for count in counts:
        piece = rows[start : start + count]
        # Its rows alone are numbered from 0: other numbers would be labels, and be answered.
        pieces.append(piece.reset_index(drop=True) if numbered else piece)
        start += count
    return pieces


def _read(result: Any, split: Split) -> tuple[Any, tuple[Spelling, ...]]:
    """The value of a result, and the ways in which its text may have been written, if it is one.

    Raises NotSplit for a text that writing its value again does not give back.
    """
    if not split.spellings:
        return result, ()
    try:
        value = loads(result)
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
        return equal(loads(left), loads(right))
    except ValueError:
        return False
