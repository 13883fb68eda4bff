"""Requests that are known by their texts: as good as taken apart, or not taken for one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.worker.rows import merging
from scoreserve.worker.rows.row_texts import RowText, merged_text, row_text_of

WRAPPINGS = {
    "data": '{{"data": [{}]}}',
    "bare": "[{}]",
    "spaced": '{{ "data" :\n[ {} ] }}',
    "parameters after": '{{"data": [{}], "k": {{"a": [1]}}}}',
    "parameters before": '{{"k": "[[0.5]]", "data": [{}]}}',
    "Inputs": '{{"Inputs": {{"data": [{}]}}, "GlobalParameters": 1.0}}',
    "split form": '{{"columns": ["a", "b"], "data": [{}]}}',
    "a name twice": '{{"data": [[7.5, 7.5]], "data": [{}]}}',
}
UNKNOWN = {"parameters after", "split form"}
WIDTH = 2
finite = st.floats(allow_nan=False, allow_infinity=False)
number = st.one_of(
    finite.filter(lambda value: "." in repr(value)).map(repr),
    st.from_regex(r"-?(0|[1-9][0-9]{0,25})\.[0-9]{1,25}([eE][-+]?[0-9]{1,2})?", fullmatch=True),
)


def row(*numbers: str, separator: str = ", ") -> str:
    return f"[{separator.join(numbers)}]"


def known_by_text(wrapping: str, *numbers: str) -> RowText:
    text = WRAPPINGS[wrapping].format(row(*numbers or ("0.5", "1.5")))
    known = row_text_of(text, merging.take_apart(merging.parse_text(text)))
    assert known is not None
    return known


@pytest.mark.parametrize("wrapping", sorted(set(WRAPPINGS) - UNKNOWN))
def test_a_text_of_one_row_of_floats_is_known(wrapping: str) -> None:
    known = known_by_text(wrapping)
    parts = merging.take_apart(known.payload)
    assert (known.key, known.rows, known.path, known.names, known.lists()) == (
        parts.key,
        1,
        parts.path,
        parts.names,
        [[[0.5, 1.5]]],
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"data": [[1.5, 2.5], [3.5, 4.5]]}',
        '{"data": [[1.5, 2]]}',
        '{"data": [[1, 2]]}',
        '{"data": [[]]}',
        '{"data": [["1.5"]]}',
        '{"data": [1.5]}',
        '{"data": [{"a": 1.5}]}',
        '{"data": [[[1.5]]]}',
        '{"x": [[1.5]], "y": [[2.5]]}',
        *(WRAPPINGS[name].format("[1.5, 2.5]") for name in sorted(UNKNOWN)),
        '{"data": [[1e5]]}',
    ],
)
def test_other_texts_are_not(text: str) -> None:
    assert row_text_of(text, merging.take_apart(merging.parse_text(text))) is None


@given(
    st.sampled_from(sorted(set(WRAPPINGS) - UNKNOWN)),
    st.lists(st.lists(number, min_size=WIDTH, max_size=WIDTH), min_size=1, max_size=4),
)
def test_a_script_reads_each_number_as_it_was_written(wrapping: str, rows: list[list[str]]) -> None:
    template = known_by_text(wrapping).template
    texts = [WRAPPINGS[wrapping].format(row(*numbers)) for numbers in rows]
    found = [template.row_of(text) for text in texts]
    parts = [RowText(template, text) for text in found if text is not None]
    assert len(parts) == len(rows)
    merged = merged_text(parts)
    assert merged is not None
    read = merging.take_apart(json.loads(merged))
    assert read.key == template.key
    alone = [json.loads(row(*numbers)) for numbers in rows]
    assert repr(read.lists()) == repr([alone])


@given(st.text(st.sampled_from('0123456789.eE+-, \n\t[]{}":aN'), max_size=20))
def test_what_is_taken_for_a_row_is_one_or_no_json(text: str) -> None:
    """Whatever stands in its place."""
    template = known_by_text("data").template
    found = template.row_of(WRAPPINGS["data"].format(f"[{text}]"))
    if found is None:
        return
    merged = merged_text([RowText(template, "0.25, 0.75"), RowText(template, found)])
    assert merged is not None
    try:
        rows: Any = json.loads(merged)["data"]
    except ValueError:
        with pytest.raises(json.JSONDecodeError):
            json.loads(f"[{text}]")
        return
    assert rows == [[0.25, 0.75], json.loads(f"[{text}]")]
    assert [type(value) for value in rows[1]] == [float, float]


@pytest.mark.parametrize(
    "text",
    [
        '{"data": [[1.5, 2.5, 3.5]]}',
        '{"data": [[1.5]]}',
        '{"data": [[1.5, 2]]}',
        '{"data": [[1.5, NaN]]}',
        '{"data": [[1.5, 2.5], [3.5, 4.5]]}',
        '{"data": [[1.5, 2.5]], "k": 1}',
        '{"data":[[1.5, 2.5]]}',
        '{"data": [[1.5, \u0662.5]]}',
        '{"data": [[1.5, 2.5]]} ',
        '{"data": [[]]}',
        '{"data": [',
    ],
)
def test_a_text_of_another_kind_has_no_row(text: str) -> None:
    assert known_by_text("data").template.row_of(text) is None


def test_rows_of_two_spellings_of_a_kind_are_merged() -> None:
    parts = [known_by_text("data"), known_by_text("spaced", "2.5", "3.5")]
    merged = merged_text(parts)
    assert merged is not None
    assert json.loads(merged) == {"data": [[0.5, 1.5], [2.5, 3.5]]}


def test_beside_others_it_is_merged_by_its_value() -> None:
    known = known_by_text("data")
    other = merging.take_apart({"data": [[2.5, 3.5], [4.5, 5.5]]})
    assert merged_text([known, other]) is None
    assert merged_text([other, known]) is None
    assert merging.merge([known, other]) == {"data": [[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]}
