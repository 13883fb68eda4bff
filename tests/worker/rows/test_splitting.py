"""Whose part of a merged result is whose, and which results cannot be taken apart."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.worker.rows import splitting
from scoreserve.worker.rows.reasons import NotSplit
from scoreserve.worker.rows.splitting import FormUnknown
from tests.worker.rows.batching import NOT_CUT, ROW_WISE

Run = Callable[[list[float]], Any]

floats = st.floats(-1e30, 1e30)


def cut(run: Run, batches: list[list[float]]) -> list[Any]:
    """The parts of the result for all rows, cut as a batcher does."""
    merged = run([row for rows in batches for row in rows])
    counts = [len(rows) for rows in batches]
    try:
        return splitting.cut(merged, counts, None)
    except FormUnknown:
        form = splitting.learn(run(batches[0]), counts[0], merged, sum(counts))
        return splitting.cut(merged, counts, form)


@pytest.mark.parametrize("name", sorted(ROW_WISE))
@given(st.lists(st.lists(floats, min_size=1, max_size=3), min_size=2, max_size=4))
def test_parts_are_what_each_has_alone(name: str, batches: list[list[float]]) -> None:
    run = ROW_WISE[name]
    for part, rows in zip(cut(run, batches), batches, strict=True):
        assert splitting.same(part, run(rows))
        assert type(part) is type(run(rows))
        if isinstance(part, str):
            assert part == run(rows)


@pytest.mark.parametrize("name", sorted(NOT_CUT))
@pytest.mark.parametrize("batches", [[[1.0], [2.0, 60.0], [70.0]], [[1.0], [90.0]]])
def test_what_has_not_a_row_for_each_is_refused(name: str, batches: list[list[float]]) -> None:
    if name in {"transposed", "sum in a list"} and len(batches) == 2:
        batches = [*batches, [3.0]]
    with pytest.raises(NotSplit):
        cut(NOT_CUT[name], batches)


@pytest.mark.parametrize("name", ["list", "tuple", "array", "text", "series", "object", "frame"])
@given(st.lists(st.integers(1, 4), min_size=2, max_size=5), st.integers(0, 30))
def test_a_length_that_does_not_match_is_no_result_for_anyone(
    name: str, counts: list[int], length: int
) -> None:
    run = ROW_WISE[name]
    form = None
    if name == "object":
        form = splitting.learn(run([1.0]), 1, run([1.0, 2.0]), 2)
    merged = run([float(number) for number in range(length)])
    if length == sum(counts):
        assert len(splitting.cut(merged, counts, form)) == len(counts)
    else:
        with pytest.raises(NotSplit, match="length"):
            splitting.cut(merged, counts, form)


class TestObjects:
    @staticmethod
    def classes(rows: list[float]) -> dict[str, Any]:
        return {"scores": rows, "classes": ["a", "b"], "none": None, "version": 2}

    @pytest.mark.parametrize("as_text", [False, True])
    def test_a_constant_list_stays_whole_however_many_rows_there_are(self, as_text: bool) -> None:
        def run(rows: list[float]) -> Any:
            return json.dumps(self.classes(rows)) if as_text else self.classes(rows)

        form = splitting.learn(run([1.0]), 1, run([1.0, 2.0]), 2)
        assert form.members == {"scores"}
        for batches in ([[1.0], [2.0]], [[1.0, 2.0], [3.0, 4.0]], [[1.0], [2.0, 3.0]]):
            counts = [len(rows) for rows in batches]
            parts = splitting.cut(run([row for rows in batches for row in rows]), counts, form)
            assert parts == [run(rows) for rows in batches]

    @pytest.mark.parametrize("as_text", [False, True])
    @pytest.mark.parametrize(
        "later",
        [
            {"scores": [1.0, 2.0], "warning": "outlier", "none": None},
            {"scores": [1.0, 2.0], "none": None},
            {"scores": [1.0, 2.0], "warning": "", "none": None, "more": 1},
            {"warning": "", "scores": [1.0, 2.0], "none": None},
            {"scores": [1.0, 2.0], "warning": "", "none": 0},
            {"scores": [1.0], "warning": "", "none": None},
            {"scores": None, "warning": "", "none": None},
            {"error": "x"},
            "text",
            None,
        ],
    )
    def test_what_is_no_longer_what_it_was_is_nobodys(self, later: Any, as_text: bool) -> None:
        """It says something of one request, and nobody knows of which."""

        def written(value: Any) -> Any:
            return json.dumps(value) if as_text else value

        one = {"scores": [1.0], "warning": "", "none": None}
        form = splitting.learn(written(one), 1, written({**one, "scores": [1.0, 2.0]}), 2)
        with pytest.raises(NotSplit):
            splitting.cut(written(later), [1, 1], form)

    def test_a_form_is_not_that_of_another_type(self) -> None:
        one, two = {"a": [1]}, {"a": [1, 2]}
        form = splitting.learn(one, 1, two, 2)
        with pytest.raises(NotSplit):
            splitting.cut(json.dumps(two), [1, 1], form)
        with pytest.raises(NotSplit):
            splitting.learn(json.dumps(one), 1, two, 2)

    def test_a_script_may_change_its_object_afterwards(self) -> None:
        one = {"a": [1], "k": [0]}
        form = splitting.learn(one, 1, {"a": [1, 2], "k": [0]}, 2)
        one["k"].append(1)
        assert splitting.cut({"a": [1, 2], "k": [0]}, [1, 1], form) == [
            {"a": [1], "k": [0]},
            {"a": [2], "k": [0]},
        ]


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("[1, 2e0 ,3]", ["[1, 2e0]", "[3]"]),
            ('[NaN, "],[", [1,2]]\n', ['[NaN, "],["]\n', "[[1,2]]\n"]),
            ("[ 1.10,\n 2,\n 3 ]", ["[ 1.10,\n 2 ]", "[ 3 ]"]),
        ],
    )
    def test_are_cut_as_they_were_written(self, text: str, parts: list[str]) -> None:
        assert splitting.cut(text, [2, 1], None) == parts

    @pytest.mark.parametrize(
        "text", ["", "[1, 2", "[1, 2] 3", '"ab"', "12", '{"a":[1,2],"a":[1,2]}']
    )
    def test_others_are_not(self, text: str) -> None:
        with pytest.raises(NotSplit, match="text"):
            splitting.cut(text, [1, 1], None)

    def test_an_empty_list_is_nobodys(self) -> None:
        with pytest.raises(NotSplit, match="length"):
            splitting.cut("[]", [1, 1], None)


@pytest.mark.parametrize("table", [pd.Series([1, 2, 3]), pd.DataFrame({"a": [1, 2, 3]})])
def test_parts_are_numbered_from_0(table: Any) -> None:
    """As they are alone: other numbers would be labels, and be answered as such."""
    first, second = splitting.cut(table, [1, 2], None)
    assert [list(part.index) for part in (first, second)] == [[0], [0, 1]]
    assert second.index.equals(pd.RangeIndex(2))


@pytest.mark.parametrize(
    "value", [np.float32(1), np.array(1.0), 5, None, True, {1: 2}.items(), {1}]
)
def test_what_has_no_rows(value: Any) -> None:
    with pytest.raises(NotSplit, match="length"):
        splitting.cut(value, [1, 1], None)


class Unruly:
    """A script's own class: it looks like an array, has no rows, and compares with nothing."""

    __hash__ = None  # type: ignore[assignment]
    dtype = "own"

    def __init__(self, rows: int) -> None:
        self.shape = (rows,)

    def __eq__(self, other: object) -> bool:
        raise ValueError("more than one truth")


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: {"a": value}])
def test_results_that_cannot_be_handled_are_refused_and_raise_nothing_else(
    wrap: Callable[[Any], Any],
) -> None:
    with pytest.raises(NotSplit, match="result_raised"):
        cut(lambda rows: wrap(Unruly(len(rows))), [[1.0], [2.0]])


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ([1.0], [1.0 + 1e-9], True),
        ([float("nan")], [float("nan")], True),
        ([1], [1.0], False),
        ([1], [True], False),
        ([1.0], (1.0,), False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
        ("[1.0]", "[1.000000001]", True),
        ("[1.0]", "[1]", False),
        (np.array([1.0]), np.array([1.0 + 1e-9]), True),
        (np.array([1.0]), np.array([1]), False),
        (np.array(["a"]), np.array(["a", "bc"])[:1], True),
        (np.array([1.0]), [1.0], False),
        (pd.Series([1.0], index=["a"]), pd.Series([1.0 + 1e-9], index=["a"]), True),
        (pd.Series([1.0], index=["a"]), pd.Series([1.0], index=["b"]), False),
        (pd.Series([1.0], index=[0]), pd.Series([1.0], index=[7]), False),
        (pd.Series([1.0], index=[None]), pd.Series([1.0], index=[None]), True),
        (pd.DataFrame({"a": [1]}, ["x"]), pd.DataFrame({"a": [1]}, ["y"]), False),
        (pd.DataFrame({"a": [1]}, ["x"]), pd.DataFrame({"a": [1]}), False),
        (datetime.date(2026, 1, 1), datetime.date(2026, 1, 2), False),
    ],
)
def test_the_same_answer(left: Any, right: Any, equal: bool) -> None:
    assert splitting.same(left, right) is splitting.same(right, left) is equal
