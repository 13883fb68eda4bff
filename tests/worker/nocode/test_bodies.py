"""What a body's JSON asks for, in each form."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.errors import BadInput
from scoreserve.worker.nocode import bodies
from scoreserve.worker.script.model_interface import Tensors

ROWS = [[1, 2], [3, 4]]


def read(value: Any) -> bodies.Body:
    return bodies.read(value if isinstance(value, str) else json.dumps(value))


def refusal(value: Any) -> str:
    with pytest.raises(BadInput) as caught:
        read(value)
    return caught.value.message


@pytest.mark.parametrize("value", [ROWS, {"input_data": ROWS}, {"inputs": ROWS}])
def test_rows(value: Any) -> None:
    assert read(value) == bodies.Body(rows=ROWS)


def test_azures_form_is_told_from_others() -> None:
    assert read({"data": ROWS}) == bodies.Body(rows=ROWS, azure_form=True)
    body = read({"data": ROWS, "method": "predict"})
    assert (body.method, body.azure_form) == ("predict", True)


@pytest.mark.parametrize(
    "table",
    [
        {"columns": ["a", "b"], "data": ROWS},
        {"columns": ["a", "b"], "index": [0, 1], "data": ROWS},
        [{"a": 1, "b": 2}, {"b": 4, "a": 3}],
    ],
)
def test_tables(table: Any) -> None:
    expected = bodies.Body(rows=ROWS, columns=["a", "b"])
    assert read({"input_data": table}) == expected
    assert read(table) == expected


def test_tensors() -> None:
    named = {"a": [1], "b": [2]}
    assert read({"inputs": named}) == read({"input_data": named}) == bodies.Body(named=named)


def test_arrays_are_answered_with_arrays() -> None:
    array = np.ones((1, 2))
    body = bodies.read(Tensors(x=array))
    assert body.as_arrays
    assert body.named is not None
    assert body.named["x"] is array


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "is empty"),
        ("[1", "no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("7", "JSON number"),
        ("null", "JSON null"),
        ({}, "members none"),
        ({"rows": ROWS}, "`rows`"),
        ({"data": 1}, "JSON number"),
        ({"data": {}}, "empty object"),
        ({"data": ROWS, "method": 1}, "`method`"),
        ({"input_data": "x"}, "JSON string"),
        ({"input_data": {"columns": 1, "data": ROWS}}, "`columns`"),
        ({"input_data": {"columns": ["a", "a"], "data": ROWS}}, "'a'"),
        ({"input_data": {"columns": ["a"], "data": ROWS}}, "row 0 has 2 values"),
        ({"input_data": {"columns": ["a"], "data": 1}}, "list of rows"),
        ({"input_data": [{"a": 1}, 2]}, "row 1 is a JSON number"),
        ({"input_data": [{"a": 1}, {"b": 2}]}, "`a`, `b`"),
    ],
)
def test_what_is_none_of_them_is_told(value: Any, words: str) -> None:
    assert words in refusal(value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "input_data", "inputs", "columns", "a"]), inner)
    ),
    max_leaves=8,
)


@given(ANYTHING)
def test_any_json_is_read_or_refused(value: Any) -> None:
    with contextlib.suppress(BadInput):
        body = read(value)
        assert (body.rows is None) is (body.named is not None)
