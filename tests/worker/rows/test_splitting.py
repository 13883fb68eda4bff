"""Whose part of a merged result is whose, and which results cannot be taken apart."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from itertools import accumulate
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoreserve.worker.rows import splitting
from scoreserve.worker.rows.reasons import NotSplit
from scoreserve.worker.rows.splitting import Split

Rows = list[Any]

floats = st.floats(allow_nan=False, allow_infinity=False)


def _mean(rows: list[float]) -> float:
    return sum(rows) / len(rows)


# Of a list of floats: what looks like row by row, or does not, and is not.
NOT_ROW_WISE: dict[str, Callable[[list[float]], Any]] = {
    "sum": sum,
    "a sum in a list": lambda rows: [sum(rows)],
    "sum in an object": lambda rows: {"rows": rows, "sum": sum(rows)},
    "divided by the mean": lambda rows: [row / _mean(rows) for row in rows],
    "less the mean": lambda rows: [row - _mean(rows) for row in rows],
    "divided by the largest": lambda rows: [row / max(rows) for row in rows],
    "sorted": sorted,
    "sorted backwards": lambda rows: sorted(rows, reverse=True),
    "without doubles": lambda rows: sorted(set(rows)),
    "reversed": lambda rows: rows[::-1],
    "running totals": lambda rows: list(accumulate(rows)),
    "differences": lambda rows: [b - a for a, b in zip([0.0, *rows], rows, strict=False)],
    "positions": lambda rows: list(range(len(rows))),
    "the mean each": lambda rows: [_mean(rows)] * len(rows),
    "the first each": lambda rows: rows[:1] * len(rows),
    "the first two": lambda rows: rows[:2],
    "pairs": lambda rows: [[row, other] for row in rows for other in rows],
    "transposed": lambda rows: [rows],
    "number of rows": len,
    "number of rows in an object": lambda rows: {"rows": rows, "count": len(rows)},
    "text, reversed": lambda rows: json.dumps(rows[::-1]),
    "array, running totals": lambda rows: np.cumsum(np.array(rows)),
    "array of another shape": lambda rows: np.array([rows]),
    "type by number": lambda rows: rows if len(rows) == 1 else [str(row) for row in rows],
    "list or tuple": lambda rows: rows if len(rows) == 1 else tuple(rows),
    "list or array": lambda rows: rows if len(rows) == 1 else np.array(rows),
    "float32 or float64": lambda rows: np.array(rows, "f4" if len(rows) == 1 else "f8"),
}


def learn_both(run: Callable[[list[float]], Any], batches: list[list[float]]) -> Split:
    """What is learnt from the batches in one order, and in the other."""
    for order in (batches, batches[::-1]):
        merged = run([row for rows in order for row in rows])
        split = splitting.learn(
            [run(rows) for rows in order], [len(rows) for rows in order], merged
        )
    return split


distinct_rows = st.lists(st.integers(1, 1000).map(float), min_size=3, max_size=6, unique=True).map(
    lambda rows: [[row] for row in rows]
)


class TestLearning:
    @pytest.mark.parametrize("name", sorted(NOT_ROW_WISE))
    @given(batches=distinct_rows)
    def test_what_does_not_go_by_rows_is_refused(
        self, name: str, batches: list[list[float]]
    ) -> None:
        with pytest.raises(NotSplit):
            learn_both(NOT_ROW_WISE[name], batches)

    @given(st.lists(st.lists(floats, min_size=1, max_size=3), min_size=2, max_size=4))
    def test_sums_over_several_rows_are_refused_too(self, batches: list[list[float]]) -> None:
        rows = [row for batch in batches for row in batch]
        assume(len(set(rows)) == len(rows))
        with pytest.raises(NotSplit):
            learn_both(lambda rows: [len(rows)] * len(rows), batches)

    @pytest.mark.parametrize("values", ["abc", 5, None, 1.5, True, b"ab", {1: 2}.items()])
    def test_a_result_without_rows_is_refused(self, values: Any) -> None:
        with pytest.raises(NotSplit):
            splitting.learn([values, values], [1, 1], values)

    def test_a_constant_list_stays_whole_even_if_it_is_as_long_as_the_rows_together(self) -> None:
        def run(rows: list[float]) -> dict[str, Any]:
            return {"scores": rows, "classes": ["a", "b"], "none": None, "version": 2}

        split = learn_both(run, [[1.0], [2.0]])
        assert split.members == frozenset({"scores"})
        pieces = splitting.split_result(run([3.0, 4.0]), [1, 1], split)
        assert pieces == [run([3.0]), run([4.0])]

    def test_a_constant_list_that_is_as_long_as_each_alone_stays_whole(self) -> None:
        def run(rows: list[float]) -> dict[str, Any]:
            return {"scores": rows, "classes": ["a", "b"]}

        split = learn_both(run, [[1.0, 2.0], [3.0, 4.0]])
        assert splitting.split_result(run([1.0, 2.0]), [1, 1], split) == [
            run([1.0]),
            run([2.0]),
        ]

    def test_a_copied_member_that_is_no_longer_what_it_was_is_nobodys(self) -> None:
        """It says something of one request, and nobody knows of which."""

        def run(rows: list[float]) -> dict[str, Any]:
            return {"scores": rows, "warning": "outlier" if max(rows) > 100 else None}

        split = learn_both(run, [[1.0], [2.0]])
        with pytest.raises(NotSplit):
            splitting.split_result(run([3.0, 400.0]), [1, 1], split)

    def test_a_copied_number_is_compared_exactly(self) -> None:
        """One of years, or of timestamps, is always close to the last."""

        def run(rows: list[float]) -> dict[str, Any]:
            return {"scores": [row - 2000 for row in rows], "mean": _mean(rows)}

        with pytest.raises(NotSplit):
            learn_both(run, [[2020.0], [2020.01]])

    def test_rows_of_another_type_than_ever_seen_are_nobodys(self) -> None:
        """As from a script that catches the exception of one row and answers it for all."""

        def run(rows: list[float]) -> list[Any]:
            try:
                return [1 / row for row in rows]
            except ZeroDivisionError as error:
                return [str(error)] * len(rows)

        split = learn_both(run, [[1.0], [2.0]])
        with pytest.raises(NotSplit):
            splitting.split_result(run([0.0, 4.0]), [1, 1], split)

    def test_floats_are_close_and_all_else_is_exact(self) -> None:
        assert splitting.learn([[0.1 + 0.2], [1.0]], [1, 1], [0.3, 1.0])
        assert splitting.learn([[float("nan")], [1.0]], [1, 1], [float("nan"), 1.0])
        for alone, merged in (([[1], [2]], [1, 2.0]), ([["a"], ["b"]], ["a", "B"])):
            with pytest.raises(NotSplit):
                splitting.learn(alone, [1, 1], merged)
        with pytest.raises(NotSplit):
            splitting.learn([[1.0], [float("nan")]], [1, 1], [1.0, 2.0])

    def test_members_that_come_and_go_are_refused(self) -> None:
        with pytest.raises(NotSplit):
            splitting.learn([{"a": [1]}, {"a": [2], "b": 1}], [1, 1], {"a": [1, 2]})
        split = splitting.learn([{"a": [1]}, {"a": [2]}], [1, 1], {"a": [1, 2]})
        for merged in ({"a": [1, 2], "error": "x"}, {"error": "x"}, [1, 2], "text", None):
            with pytest.raises(NotSplit):
                splitting.split_result(merged, [1, 1], split)


# What scripts make of a float for each row.
FORMS: dict[str, Callable[[list[float]], Any]] = {
    "list": list,
    "tuple": tuple,
    "array": np.array,
    "object": lambda values: {"a": values},
    "text": json.dumps,
    "series": pd.Series,
    "frame": lambda values: pd.DataFrame({"a": values}),
    "matrix": lambda values: np.array([[value, 0.5] for value in values]),
    "rows": lambda values: [[value, 0.5] for value in values],
    "records": lambda values: [{"a": value} for value in values],
}


@pytest.mark.parametrize("table", [pd.Series([1, 2, 3]), pd.DataFrame({"a": [1, 2, 3]})])
def test_parts_are_numbered_from_0(table: Any) -> None:
    """As they are alone: other numbers would be labels, and be answered as such."""
    split = splitting.learn([table[:1], table[1:].reset_index(drop=True)], [1, 2], table)
    first, second = splitting.split_result(table, [1, 2], split)
    assert [list(part.index) for part in (first, second)] == [[0], [0, 1]]
    assert second.index.equals(pd.RangeIndex(2))


def test_texts_are_read_and_written_by_the_stdlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the script has put in its place."""
    with monkeypatch.context() as replaced:
        replaced.setattr(json, "dumps", lambda value, **options: b"bytes")
        replaced.setattr(json, "loads", lambda text: None)
        split = splitting.learn(["[1]", "[2]"], [1, 1], "[1, 2]")
        assert splitting.split_result("[1, 2]", [1, 1], split) == ["[1]", "[2]"]
        assert splitting.of_one_form(["[1]", '{"a": 1}', "[2]"]) == [0, 2]
        assert splitting.same("[1]", "[1.0]") is False


class TestKnowingMore:
    """A second proof, a result alone, and two results compared."""

    ROWS = splitting.learn([[1.0], [2.0]], [1, 1], [1.0, 2.0])
    MEMBERS = splitting.learn(
        [{"a": [1], "b": [5], "v": "1"}, {"a": [2], "b": [5], "v": "1"}],
        [1, 1],
        {"a": [1, 2], "b": [5, 5], "v": "1"},
    )

    def test_proofs_that_agree_know_the_rows_of_both(self) -> None:
        texts = splitting.learn([["a"], ["b"]], [1, 1], ["a", "b"])
        assert splitting.agreed(None, texts) == texts
        both = splitting.agreed(self.ROWS, texts)
        assert splitting.split_result(["a", 1.0], [1, 1], both) == [["a"], [1.0]]

    @pytest.mark.parametrize(
        "other",
        [
            splitting.learn(
                [{"a": [1], "v": "2"}, {"a": [2], "v": "2"}], [1, 1], {"a": [1, 2], "v": "2"}
            ),
            splitting.learn(
                [{"a": [1], "b": 5, "v": "1"}, {"a": [2], "b": 5, "v": "1"}],
                [1, 1],
                {"a": [1, 2], "b": 5, "v": "1"},
            ),
            ROWS,
            splitting.learn(["[1]", "[2]"], [1, 1], "[1, 2]"),
        ],
        ids=["constant", "member", "no object", "text"],
    )
    def test_proofs_that_contradict_each_other_are_refused(self, other: Split) -> None:
        with pytest.raises(NotSplit):
            splitting.agreed(self.MEMBERS, other)

    def test_a_result_alone_adds_what_its_rows_look_like(self) -> None:
        with pytest.raises(NotSplit):
            splitting.split_result([1.0, None], [1, 1], self.ROWS)
        more = splitting.with_shapes_of(self.ROWS, [None])
        assert splitting.split_result([1.0, None], [1, 1], more) == [[1.0], [None]]

    @pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
    def test_rows_that_were_seen_apart_may_come_together(
        self, make: Callable[[list[float]], Any]
    ) -> None:
        """Missing ones, ones without a fraction, and others."""
        nan = float("nan")
        split = splitting.learn([make([1.5]), make([2.5])], [1, 1], make([1.5, 2.5]))
        for value in (nan, 3.0):
            split = splitting.with_shapes_of(split, make([value]))
        assert len(splitting.split_result(make([nan, 3.0, 1.5]), [1, 1, 1], split)) == 3

    @pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
    @pytest.mark.parametrize("value", [float("nan"), 3.0])
    def test_what_another_value_may_have_become_beside_floats_is_not_trusted(
        self, make: Callable[[list[float]], Any], value: float
    ) -> None:
        split = splitting.learn([make([1.5]), make([2.5])], [1, 1], make([1.5, 2.5]))
        with pytest.raises(NotSplit, match="row_shape"):
            splitting.split_result(make([1.5, value]), [1, 1], split)

    @pytest.mark.parametrize("error", ["text", {"error": "x"}, None, 5, object()])
    def test_a_result_of_another_form_is_no_more_cut_than_before(self, error: Any) -> None:
        for split in (self.ROWS, self.MEMBERS):
            with pytest.raises(NotSplit):
                splitting.split_result(error, [1, 1], splitting.with_shapes_of(split, error))

    @pytest.mark.parametrize(
        ("left", "right", "equal"),
        [
            ([1.0], [1.0 + 1e-9], True),
            ([float("nan")], [float("nan")], True),
            ([1], [1.0], False),
            ([1], [True], False),
            ([1.0], (1.0,), False),
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}, False),
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
    def test_the_same_answer(self, left: Any, right: Any, equal: bool) -> None:
        assert splitting.same(left, right) is splitting.same(right, left) is equal

    def test_all_results_the_same_answer(self) -> None:
        assert splitting.all_same([[1.0], [1.0 + 1e-9]], [1.0])
        assert not splitting.all_same([[1.0], [2.0]], [1.0])

    UNLIKE = ([1], (1,), {"a": 1}, {"b": 1}, "text", "[1]", '{"a": 1}', None, np.array([1]))

    @pytest.mark.parametrize("odd", range(len(UNLIKE)))
    def test_an_error_is_of_another_form_than_a_result(self, odd: int) -> None:
        common = self.UNLIKE[odd - 1]
        assert splitting.of_one_form([common, self.UNLIKE[odd], common]) == [0, 2]

    @pytest.mark.parametrize(
        "results",
        [[], [[1], ["a", "b"]], ["[1]", "[2, 3]"], ["[" * 100_000, "text"], [{"a": 1}, {"a": []}]],
    )
    def test_results_of_one_form_are_all_kept(self, results: Rows) -> None:
        assert splitting.of_one_form(results) == list(range(len(results)))


class TestTextsOfScripts:
    """Whatever writes them the usual way, writes them so again."""

    @pytest.mark.parametrize(
        "write",
        [
            json.dumps,
            lambda rows: json.dumps({"result": rows}),
            lambda rows: json.dumps({"result": np.array(rows).tolist(), "é": "ü"}),
            lambda rows: json.dumps([{"score": row, "label": "é"} for row in rows]),
            lambda rows: json.dumps(rows, separators=(",", ":")),
            lambda rows: json.dumps([str(row) + "é" for row in rows], ensure_ascii=False),
            lambda rows: pd.DataFrame({"a": rows}).to_json(orient="records"),
        ],
        ids=[
            "list",
            "object",
            "escapes",
            "records",
            "compact",
            "utf8",
            "to_json",
        ],
    )
    def test_are_split(self, write: Callable[[Rows], str]) -> None:
        split = learn_both(write, [[1.5], [2.5]])
        pieces = splitting.split_result(write([3.5, 4.5]), [1, 1], split)
        assert pieces == [write([3.5]), write([4.5])]

    @pytest.mark.parametrize("text", ["[1, 2] ", "[1, 2]\n", "NaN", "3", '"a"', "[1, 1e0]"])
    def test_that_would_come_out_otherwise_are_not(self, text: str) -> None:
        with pytest.raises(NotSplit):
            splitting.learn([text, text], [1, 1], text)


class Unruly:
    """A script's own class: it looks like an array, has no rows, and compares with nothing."""

    __hash__ = None  # type: ignore[assignment]
    dtype = "own"

    def __init__(self, rows: int) -> None:
        self.shape = (rows,)

    def __eq__(self, other: object) -> bool:
        raise ValueError("more than one truth")


@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda v: {"a": v}])
def test_results_that_cannot_be_handled_are_refused_and_raise_nothing_else(
    wrap: Callable[[Any], Any],
) -> None:
    with pytest.raises(NotSplit):
        splitting.learn([wrap(Unruly(1)), wrap(Unruly(1))], [1, 1], wrap(Unruly(2)))


class TestArraysAndFrames:
    def test_arrays(self) -> None:
        def run(rows: list[float]) -> Any:
            return np.array([[row, row * 2] for row in rows], "f4")

        split = learn_both(run, [[1.0], [2.0], [3.0]])
        pieces = splitting.split_result(run([4.0, 5.0, 6.0]), [1, 2], split)
        assert [piece.tolist() for piece in pieces] == [[[4, 8]], [[5, 10], [6, 12]]]
        assert {piece.dtype for piece in pieces} == {np.dtype("f4")}

    def test_arrays_in_an_object(self) -> None:
        def run(rows: list[float]) -> Any:
            return {"scores": np.array(rows), "labels": [str(row) for row in rows]}

        split = learn_both(run, [[1.0], [2.0]])
        assert split.members == frozenset({"scores", "labels"})
        first, second = splitting.split_result(run([4.0, 5.0]), [1, 1], split)
        assert (first["scores"].tolist(), second["labels"]) == ([4.0], ["5.0"])

    @pytest.mark.parametrize("kind", [pd.DataFrame, lambda rows: pd.DataFrame(rows)["a"]])
    def test_frames_and_series(self, kind: Callable[[Any], Any]) -> None:
        def run(rows: list[float]) -> Any:
            return kind([{"a": row, "b": str(row)} for row in rows])

        split = learn_both(run, [[1.0], [2.0]])
        pieces = splitting.split_result(run([4.0, 5.0, 6.0]), [2, 1], split)
        for piece, rows in zip(pieces, ([4.0, 5.0], [6.0]), strict=True):
            assert splitting.same(piece, run(rows))

    def test_a_scalar_has_no_rows(self) -> None:
        for value in (np.float32(1), np.array(1.0)):
            with pytest.raises(NotSplit):
                splitting.learn([value, value], [1, 1], value)


def _one_row_each(form: str) -> tuple[list[Any], list[int], Any]:
    """What `learn` needs to know of the form."""
    make = FORMS[form]
    return [make([1.0]), make([2.0])], [1, 1], make([1.0, 2.0])


class TestLengths:
    @given(
        st.lists(st.integers(1, 4), min_size=2, max_size=5),
        st.integers(0, 30),
        st.sampled_from(["list", "tuple", "array", "object", "text", "series"]),
    )
    def test_a_length_that_does_not_match_is_no_result_for_anyone(
        self, counts: list[int], length: int, form: str
    ) -> None:
        values = [float(number) for number in range(length)]
        merged = FORMS[form](values)
        split = splitting.learn(*_one_row_each(form))
        if length != sum(counts):
            with pytest.raises(NotSplit):
                splitting.split_result(merged, counts, split)
            return
        pieces = splitting.split_result(merged, counts, split)
        flat: list[float] = []
        for piece, count in zip(pieces, counts, strict=True):
            rows = piece["a"] if form == "object" else piece
            rows = json.loads(rows) if form == "text" else list(rows)
            assert len(rows) == count
            flat += rows
        assert flat == values
