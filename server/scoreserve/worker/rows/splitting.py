"""Whose part of a merged call's result is whose.

Pure: no sockets, no clock, no calls of run(). The rules:

1. A list, tuple, array, Series or DataFrame is cut if it has exactly as many items as there were
   rows.
2. An object is cut by those members that have; the others must be what they always are. Which those
   are is not guessed, since a list of two classes has as many items as two requests have rows: one
   result of a request alone tells (`learn`).
3. A str that is the JSON of a list or an object is cut by the same rules, as it was written.
4. Results are objects of the script's, whose methods may do anything: whatever they raise means
   that the result cannot be cut.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Hashable, Mapping, Sequence
from json import loads  # the script may put another in its place
from typing import Any, NamedTuple

from scoreserve.worker.rows.equality import equal
from scoreserve.worker.rows.json_spans import NoSpans
from scoreserve.worker.rows.reasons import NotSplit
from scoreserve.worker.rows.result_texts import ITSELF, ResultText
from scoreserve.worker.script.tables import numbers_its_rows


class Form(NamedTuple):
    """How results that are objects are cut: the names of the members that go by rows, and what
    there is beside them, which is always the same.
    """

    members: frozenset[Hashable]
    rest: Any


class FormUnknown(Exception):
    """The result is an object, and which of its members go by rows is yet to be learnt."""


def cut(result: Any, counts: Sequence[int], form: Form | None) -> list[Any]:
    """The parts of a merged result, for so many rows each. Raises NotSplit or FormUnknown."""
    try:
        whole = _object_in(result)
        if whole is None:
            return cut_rows(result, counts)
        lengths = whole.lengths()
        if form is None:
            if isinstance(whole, ResultText) and whole.is_list:
                form = Form(frozenset({ITSELF}), whole.rest({ITSELF}) if lengths[ITSELF] else None)
            else:
                raise FormUnknown
        if form.members - lengths.keys():
            raise NotSplit("members")
        if any(lengths[name] != sum(counts) for name in form.members):
            raise NotSplit("length")
        if not equal(whole.rest(form.members), form.rest, exactly=True):
            raise NotSplit("constants")
        return whole.cut(form.members, counts)
    except (NotSplit, FormUnknown):
        raise
    except Exception as error:
        raise NotSplit("result_raised") from error


def learn(alone: Any, rows: int, merged: Any, merged_rows: int) -> Form:
    """The form of results, of which one is for fewer rows, `alone`. Raises NotSplit."""
    try:
        one, whole = _object_in(alone), _object_in(merged)
        if one is None or whole is None or type(one) is not type(whole):
            raise NotSplit("members")
        before, after = one.lengths(), whole.lengths()
        members = frozenset(
            name for name in after if (before.get(name), after[name]) == (rows, merged_rows)
        )
        if not members:
            raise NotSplit("no_rows")
        rest = one.rest(members)
        if not equal(rest, whole.rest(members), exactly=True):
            raise NotSplit("constants")
        return Form(members, copy.deepcopy(rest))
    except NotSplit:
        raise
    except Exception as error:
        raise NotSplit("result_raised") from error


def same(left: Any, right: Any) -> bool:
    """Whether two results are the same answer: floats close, all else exact, types alike.

    Raises NotSplit when they cannot be compared.
    """
    try:
        return equal(left, right) or _equal_texts(left, right)
    except Exception as error:
        raise NotSplit("result_raised") from error


def kept(result: Any) -> Any:
    """A copy of a result to compare others with: the script may use its object again. Raises
    NotSplit.
    """
    try:
        return copy.deepcopy(result)
    except Exception as error:
        raise NotSplit("result_raised") from error


def cut_rows(value: Any, counts: Sequence[int]) -> list[Any]:
    """The parts of what has an item for each row. Raises NotSplit where it has not."""
    if _length(value) != sum(counts):
        raise NotSplit("length")
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


class _Object:
    """A result that is a dict."""

    def __init__(self, value: dict[Hashable, Any]) -> None:
        self._value = value

    def lengths(self) -> Mapping[Hashable, int | None]:
        return {name: _length(value) for name, value in self._value.items()}

    def rest(self, members: Collection[Hashable]) -> Any:
        """All but the values of these members; their places too."""
        return {name: None if name in members else [value] for name, value in self._value.items()}

    def cut(self, members: Collection[Hashable], counts: Sequence[int]) -> list[Any]:
        pieces: list[dict[Hashable, Any]] = [{} for _ in counts]
        for name, value in self._value.items():
            parts = cut_rows(value, counts) if name in members else [value] * len(counts)
            for piece, part in zip(pieces, parts, strict=True):
                piece[name] = part
        return pieces


def _object_in(result: Any) -> _Object | ResultText | None:
    """What is cut by members; None: the result itself goes by rows. Raises NotSplit."""
    if type(result) is dict:
        return _Object(result)
    if type(result) is not str:
        return None
    try:
        return ResultText(result)
    except NoSpans:
        raise NotSplit("text") from None


def _length(value: Any) -> int | None:
    """How many rows a value has, or None when it is not of rows."""
    if isinstance(value, (list, tuple)):
        return len(value)
    shape = getattr(value, "shape", None)
    return int(shape[0]) if isinstance(shape, tuple) and shape else None


def _equal_texts(left: Any, right: Any) -> bool:
    """Whether two results are texts of JSON values that are equal."""
    if type(left) is not str or type(right) is not str:
        return False
    try:
        return equal(loads(left), loads(right))
    except ValueError:
        return False
