"""Which payloads may share a run(), and what they are merged."""

from __future__ import annotations

import contextlib
import datetime
import enum
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.worker.rows import merging
from scoreserve.worker.rows.merging import take_apart
from scoreserve.worker.rows.reasons import NotMerged

Rows = list[Any]


class Mode(enum.Enum):
    """As the default value of a parameter."""

    FAST = "fast"


def may_merge(left: Any, right: Any) -> bool:
    """Whether two payloads may share a call."""
    return take_apart(left).key == take_apart(right).key


def reason_against(payload: Any) -> str:
    """Why a payload runs alone."""
    with pytest.raises(NotMerged) as refused:
        take_apart(payload)
    return refused.value.reason


class TestTakingApart:
    @pytest.mark.parametrize(
        ("payload", "rows", "path", "names"),
        [
            ([[1.0], [2.0]], 2, (), ()),
            (["a"], 1, (), ()),
            ([{"a": 1}, {"a": 2}], 2, (), ()),
            ({"data": [[1.0], [2.0]]}, 2, (), ("data",)),
            ({"x": [1, 2], "y": ["a", "b"], "k": 3}, 2, (), ("x", "y")),
            ({"columns": ["a"], "data": [[1], [2]]}, 2, (), ("data",)),
            ({"columns": ["a", "b"], "index": [0], "data": [[1, 2]]}, 1, (), ("index", "data")),
            ({"Inputs": {"data": [[1]]}, "GlobalParameters": 1.0}, 1, ("Inputs",), ("data",)),
            ({"input_data": {"columns": ["a"], "data": [[1]]}}, 1, ("input_data",), ("data",)),
            ({"input_data": ["a", "b"], "params": {}}, 2, (), ("input_data",)),
            ({"q": "?", "data": [1], "Outputs": {"data": [1, 2]}}, 1, (), ("data",)),
        ],
    )
    def test_rows_are_found(
        self, payload: Any, rows: int, path: tuple[str, ...], names: tuple[str, ...]
    ) -> None:
        parts = take_apart(payload)
        assert (parts.rows, parts.path, parts.names) == (rows, path, names)

    @pytest.mark.parametrize(
        "payload",
        [
            None,
            1,
            "text",
            {},
            [],
            {"data": []},
            {"x": [1], "y": [1, 2]},
            {"x": [1], "y": []},
            {"question": "a", "context": "b"},
            {"data": {"a": [1], "b": [2]}},
            {"Inputs": {"text": "a"}},
            {"Inputs": {"data": []}, "more": [1]},
            {"columns": ["a"], "index": [0, 1], "data": [[1]]},
        ],
    )
    def test_what_has_no_rows_runs_alone(self, payload: Any) -> None:
        assert reason_against(payload) == "no_rows"

    @pytest.mark.parametrize(
        "rows",
        [
            [[1, 2], [3]],
            [1, 2.0],
            [[1], [2.0]],
            [1, None],
            [1, True],
            [{"a": 1}, {"b": 1}],
            [{"a": 1, "b": 1}, {"b": 1, "a": 1}],
            [{"a": 1}, {"a": "x"}],
            [[[1]], [[1, 2]]],
            [1, [1]],
            [1, 1 << 63],
            [[1], [1 << 64]],
        ],
    )
    def test_rows_that_are_not_alike_run_alone(self, rows: Rows) -> None:
        """Whatever they are wrapped in."""
        for payload in (rows, {"data": rows}, {"Inputs": {"data": rows}}):
            assert reason_against(payload) == "uneven_rows"


class TestGroupKeys:
    @pytest.mark.parametrize(
        ("left", "right"),
        [
            ([[1.0, 2.0]], [[3.0, 4.0], [5.0, 6.0]]),
            ({"data": ["a"]}, {"data": ["b", "c"]}),
            ({"data": [1], "k": {"top": 1}}, {"data": [2], "k": {"top": 1}}),
            ([[]], [[]]),
            ([None], [None]),
        ],
    )
    def test_payloads_of_one_kind_may_be_merged(self, left: Any, right: Any) -> None:
        assert may_merge(left, right)

    @pytest.mark.parametrize(
        ("left", "right"),
        [
            pytest.param([[1.0]], [[1.0, 2.0]], id="length of rows"),
            pytest.param([1], [1.0], id="int beside float"),
            pytest.param([[1, 2.0]], [[1, 2]], id="int beside float in a row"),
            pytest.param([1], [True], id="bool"),
            pytest.param([1.0], [None], id="null"),
            pytest.param([1], [1 << 63], id="beyond int64"),
            pytest.param([1], [-(1 << 63) - 1], id="below int64"),
            pytest.param([{"a": 1}], [{"b": 1}], id="names in rows"),
            pytest.param([{"a": 1, "b": 2}], [{"b": 2, "a": 1}], id="order in rows"),
            pytest.param({"data": [1]}, {"inputs": [1]}, id="member names"),
            pytest.param([1], {"data": [1]}, id="bare and wrapped"),
            pytest.param({"data": [1]}, {"Inputs": {"data": [1]}}, id="wrapper"),
            pytest.param(
                {"Inputs": {"data": [1]}}, {"input_data": {"data": [1]}}, id="other wrapper"
            ),
            pytest.param({"data": [1], "k": 1}, {"data": [1], "k": 2}, id="parameter"),
            pytest.param({"data": [1], "k": 1}, {"data": [1], "k": 1.0}, id="type of parameter"),
            pytest.param({"data": [1], "k": 1}, {"data": [1], "k": True}, id="bool parameter"),
            pytest.param({"data": [1], "k": 0.0}, {"data": [1], "k": -0.0}, id="minus zero"),
            pytest.param({"data": [1], "k": None}, {"data": [1]}, id="parameter absent"),
            pytest.param({"data": [1], "k": "1"}, {"data": [1], "k": 1}, id="text parameter"),
            pytest.param({"k": 1, "data": [1]}, {"data": [1], "k": 1}, id="order of members"),
            pytest.param({"a": [1], "b": [2]}, {"b": [2], "a": [1]}, id="order of row members"),
            pytest.param(
                {"columns": ["a"], "data": [[1]]}, {"columns": ["b"], "data": [[1]]}, id="columns"
            ),
            pytest.param(
                {"Inputs": {"data": [1]}, "GlobalParameters": 1.0},
                {"Inputs": {"data": [1]}, "GlobalParameters": 2.0},
                id="parameter beside the wrapper",
            ),
        ],
    )
    def test_payloads_of_two_kinds_are_never_merged(self, left: Any, right: Any) -> None:
        assert take_apart(left).key == take_apart(json.loads(json.dumps(left))).key
        assert not may_merge(left, right)

    @pytest.mark.parametrize(
        ("left", "right"),
        [
            (float("nan"), None),
            (float("inf"), None),
            (float("inf"), float("nan")),
            (datetime.date(2026, 1, 2), "2026-01-02"),
            (Mode.FAST, "fast"),
            ((1, 2), {"a": 1}),
        ],
        ids=repr,
    )
    def test_parameters_that_json_would_write_alike_are_not_equal(
        self, left: Any, right: Any
    ) -> None:
        """From a schema-decorated script's request, or the default value of its parameter."""
        with contextlib.suppress(NotMerged):  # just as good
            assert not may_merge({"data": [1.0], "k": left}, {"data": [1.0], "k": right})

    def test_many_shapes_do_not_mix_up(self) -> None:
        """More kinds of rows than are remembered, twice."""
        kinds = (1.0, "a", True, None)
        rows = [[kinds[number >> 2 * place & 3] for place in range(6)] for number in range(4**6)]
        first = [take_apart([row]).key for row in rows]
        assert len(set(first)) == len(rows)
        assert [take_apart([row]).key for row in rows] == first

    def test_what_is_remembered_of_long_rows_is_bounded(self) -> None:
        """A client may send rows of ever other lengths."""
        tracemalloc.start()
        try:
            for length in range(80_000, 80_032):
                take_apart([[""] * length])
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 10_000_000


# The shapes that clients send; every strategy is of payloads of one kind.
floats = st.floats(allow_nan=False, allow_infinity=False)
int64 = st.integers(-(1 << 63) + 1, (1 << 63) - 1)
short_int = st.integers(-(10**18) + 1, 10**18 - 1)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
cells = {"floats": floats, "ints": short_int, "texts": text, "bools": st.booleans()}


def rows_of(cell: st.SearchStrategy[Any], width: int) -> dict[str, st.SearchStrategy[Any]]:
    """Rows in each form, of as many cells."""
    names = [f"c{number}" for number in range(width)]
    return {
        "scalars": cell,
        "lists": st.lists(cell, min_size=width, max_size=width),
        "records": st.lists(cell, min_size=width, max_size=width).map(
            lambda values: dict(zip(names, values, strict=True))
        ),
        "nested": st.lists(st.lists(cell, min_size=width, max_size=width), min_size=2, max_size=2),
    }


def _split_form(rows: Rows) -> dict[str, Any]:
    return {"columns": ["a"], "index": list(range(len(rows))), "data": rows}


WRAPPINGS: dict[str, Callable[[Rows], Any]] = {
    "bare": lambda rows: rows,
    "data": lambda rows: {"data": rows},
    "with parameters": lambda rows: {"input_data": rows, "params": {"k": 1.0}, "of": "é"},
    "two members": lambda rows: {"x": rows, "y": rows[::-1]},
    "split form": lambda rows: {"input_data": _split_form(rows)},
    "Inputs": lambda rows: {"Inputs": {"data": rows}, "GlobalParameters": 1.0},
}


@st.composite
def kindred(draw: st.DrawFn, cell: st.SearchStrategy[Any] | None = None) -> list[Any]:
    """Payloads of one kind, of one row or more each."""
    chosen = cell or draw(st.sampled_from(sorted(cells)).map(cells.__getitem__))
    forms = rows_of(chosen, draw(st.integers(1, 3)))
    row = forms[draw(st.sampled_from(sorted(forms)))]
    wrap = WRAPPINGS[draw(st.sampled_from(sorted(WRAPPINGS)))]
    many = draw(st.lists(st.lists(row, min_size=1, max_size=3), min_size=2, max_size=5))
    return [wrap(rows) for rows in many]


class TestMerging:
    @given(kindred())
    def test_a_merged_payload_has_the_rows_of_all_in_order(self, payloads: list[Any]) -> None:
        before = json.dumps(payloads)
        parts = [take_apart(payload) for payload in payloads]
        assert len({part.key for part in parts}) == 1
        merged = take_apart(merging.merge(parts))
        assert merged.key == parts[0].key
        assert merged.rows == sum(part.rows for part in parts)
        members = zip(*(part.lists() for part in parts), strict=True)
        assert merged.lists() == [[row for rows in member for row in rows] for member in members]
        assert json.dumps(payloads) == before

    @given(kindred())
    def test_the_rest_stays_as_it_is(self, payloads: list[Any]) -> None:
        merged = merging.merge([take_apart(payload) for payload in payloads])
        alone = merging.merge([take_apart(payloads[0])])
        assert json.dumps(alone) == json.dumps(payloads[0])
        if isinstance(merged, dict):
            assert list(merged) == list(payloads[0])

    @given(kindred())
    def test_a_part_is_a_payload_of_the_same_kind(self, payloads: list[Any]) -> None:
        parts = take_apart(payloads[0])
        singles = [merging.part_of(payloads[0], row, row + 1) for row in range(parts.rows)]
        assert {take_apart(single).key for single in singles} == {parts.key}
        assert json.dumps(merging.merge([take_apart(each) for each in singles])) == json.dumps(
            payloads[0]
        )
        assert merging.part_of(payloads[0], 0, parts.rows) == payloads[0]


class TestTexts:
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
            max_leaves=8,
        )
    )
    def test_whatever_is_parsed_is_what_the_stdlib_reads(self, value: Any) -> None:
        for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
            try:
                parsed = merging.parse_text(text)
            except NotMerged:
                continue
            if not isinstance(parsed, (list, dict)):
                continue  # it has no rows
            assert repr(parsed) == repr(json.loads(text))

    @given(st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,3})?\Z"))
    def test_numbers_are_what_the_stdlib_reads(self, number: str) -> None:
        for text in (f"[{number}]", f'{{"a": {number}}}', f"[1,{number}]"):
            try:
                parsed = merging.parse_text(text)
            except NotMerged:
                continue
            assert repr(parsed) == repr(json.loads(text))

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "[1",
            "[1,]",
            "[NaN]",
            "[Infinity]",
            "[-Infinity]",
            "[1e400]",
            '["\\ud800"]',
            '["\ud800"]',
            "\ufeff[1]",
            "[9223372036854775808]",
            "[18446744073709551616]",
            '{"a":-123456789012345678901234567890}',
            "[\n123456789012345678901]",
        ],
    )
    def test_what_orjson_reads_otherwise_is_refused(self, text: str) -> None:
        with pytest.raises(NotMerged):
            merging.parse_text(text)

    def test_of_duplicate_keys_the_last_counts_as_in_the_stdlib(self) -> None:
        text = '{"a": [1], "k": 1, "a": [2], "k": 2}'
        assert repr(merging.parse_text(text)) == repr(json.loads(text))

    @pytest.mark.parametrize("depth", [2, 20, 40, 200, 250, 260, 900, 1100, 100_000])
    @pytest.mark.parametrize("pieces", [("[", "]"), ('{"k":', "}")], ids=["lists", "objects"])
    @pytest.mark.parametrize("form", ["[{}]", '{{"k":{},"data":[1]}}'], ids=["rows", "rest"])
    def test_what_is_nested_too_deeply_runs_alone(
        self, depth: int, pieces: tuple[str, str], form: str
    ) -> None:
        """Such a text comes from a client: it must not raise anything that nobody expects."""
        begin, end = pieces
        text = form.format(begin * depth + "1" + end * depth)
        try:
            parts = take_apart(merging.parse_text(text))
            assert merging.merge([parts, parts])
        except NotMerged:
            assert depth > 20


def test_a_copy_shares_nothing_that_can_change() -> None:
    value = {"a": [[1], {"b": [2]}], "c": [3], "d": "x"}
    copy = merging.copied(value)
    assert copy == value
    copy["a"][0].append(0)
    copy["a"][1]["b"].append(0)
    copy["c"].append(0)
    assert value == {"a": [[1], {"b": [2]}], "c": [3], "d": "x"}
