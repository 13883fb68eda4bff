"""Where the parts of JSON texts are: as the stdlib reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.worker.rows.json_spans import NoSpans, member_spans, row_spans, value_span

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
layouts: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}]
)


@given(st.lists(values, max_size=4), layouts)
def test_rows(rows: list[Any], layout: dict[str, Any]) -> None:
    text = json.dumps({"a": rows}, **layout)
    start = text.index("[")
    found = [text[begin:end] for begin, end in row_spans(text, start)]
    assert [repr(json.loads(each)) for each in found] == [repr(row) for row in rows]
    assert all(each.strip() == each for each in found)


@given(st.dictionaries(st.text(max_size=3), values, max_size=4), layouts)
def test_members(members: dict[str, Any], layout: dict[str, Any]) -> None:
    text = f" {json.dumps(members, **layout)}\n"
    start, stop = value_span(text)
    assert (start, stop) == (1, len(text) - 1)
    found = member_spans(text, start)
    assert list(found) == list(members)
    for name, (begin, end) in found.items():
        assert repr(json.loads(text[begin:end])) == repr(members[name])


@pytest.mark.parametrize(
    "text", ["", " ", "[1", "[1,]", "[1] 2", "nul", '"a', "\ufeff[]", "[" * 9**5]
)
def test_what_is_no_value(text: str) -> None:
    with pytest.raises(NoSpans):
        value_span(text)


@pytest.mark.parametrize("text", ["[1", "[1,", "[1 2]", "[,]", "[1}", "["])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(NoSpans):
        row_spans(text, 0)


@pytest.mark.parametrize(
    "text", ['{"a": 1', '{"a" 1}', "{1: 2}", '{"a": 1,}', '{"a', '{"a": 1]', '{"a":1,"\\u0061":2}']
)
def test_what_is_no_object_of_one_meaning(text: str) -> None:
    with pytest.raises(NoSpans):
        member_spans(text, 0)
