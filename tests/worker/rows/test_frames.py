"""Bodies merged as texts: any parser finds in them what it finds in each alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreserve.worker.rows.frames import Frame, TextRows, frame_of
from scoreserve.worker.rows.kinds import Kinds
from scoreserve.worker.rows.reasons import NotMerged

# How scripts may read a body: of each, all are to find the same.
READ: dict[str, Callable[[str], Any]] = {
    "plain": json.loads,
    "decimals": lambda text: json.loads(text, parse_float=Decimal),
    "texts": lambda text: json.loads(text, parse_float=str, parse_int=str),
    "pairs": lambda text: json.loads(text, object_pairs_hook=lambda pairs: ("object", *pairs)),
}

FORMS = {
    "bare": "[{}]",
    "spaced": " [ {}\n]\t",
    "data": '{{"data": [{}]}}',
    "parameters": '{{"k": {{"data": ["[", 9.5]}}, "data": [{}], "m": {{"a": "]"}}}}',
    "escaped": '{{"d\\u0061ta": [{}], "k": "\\"data\\": [1.5]"}}',
    "Inputs": '{{"Inputs": {{"data": [{}]}}, "GlobalParameters": 1.0, "more": [1, 2]}}',
    "split": '{{"input_data": {{"columns": ["a", "b"], "data": [{}]}}, "p": {{"x": 1e2}}}}',
}


def rows_of(text: str, frames: Kinds | Frame | None = None) -> TextRows:
    frame = frames if isinstance(frames, Frame) else frame_of(text, frames or Kinds())
    found = frame.rows_of(text)
    assert found is not None
    return found


def reason_against(text: str) -> str:
    with pytest.raises(NotMerged) as refused:
        rows_of(text)
    return refused.value.reason


def holder_of(value: Any) -> Any:
    """The list of rows in what a parser made of a body of FORMS."""
    pairs = dict(value[1:]) if isinstance(value, tuple) else value
    if isinstance(value, list):
        return value
    for name in ("Inputs", "input_data"):
        if name in pairs:
            return holder_of(pairs[name])
    return pairs["data"]


integers = st.sampled_from(["0", "-0", "7", "-12", "12345678901234567"])
numbers = st.builds(
    "{}{}{}".format,
    integers,
    st.sampled_from([".0", ".10", ".3333333333333333333333333", ".5"]),
    st.sampled_from(["", "", "e5", "E-02", "e+1"]),
)
texts = st.text(max_size=6).map(json.dumps) | st.sampled_from(
    ['"\\u00e9[]{}"', '"\\\\"', '"],["', '"\\""']
)
separators = st.sampled_from([",", ", ", " ,\n"])


@st.composite
def shaped_rows(draw: st.DrawFn) -> list[list[str]]:
    """Texts of rows of one shape, for each of several bodies."""
    cells = draw(st.lists(st.sampled_from([numbers, integers, texts]), min_size=1, max_size=3))
    form = draw(st.sampled_from(["list", "object", "nested", "cell"]))

    def row() -> str:
        drawn = [draw(cell) for cell in cells]
        if form == "list":
            return f"[{draw(separators).join(drawn)}]"
        if form == "object":
            members = [f'"c{place}" :{cell}' for place, cell in enumerate(drawn)]
            return f"{{{', '.join(members)}}}"
        return f"[[{drawn[0]}], {{}}]" if form == "nested" else drawn[0]

    counts = draw(st.lists(st.integers(1, 3), min_size=2, max_size=4))
    return [[row() for _ in range(count)] for count in counts]


@pytest.mark.parametrize("form", sorted(FORMS))
@settings(max_examples=30)
@given(shaped_rows(), separators)
def test_any_parser_finds_the_rows_of_each_as_they_were_sent(
    form: str, bodies: list[list[str]], separator: str
) -> None:
    sent = [FORMS[form].format(separator.join(rows)) for rows in bodies]
    kinds = Kinds()
    frame = frame_of(sent[0], kinds)
    for _ in range(2):  # the second time some are known by their look
        found = [rows_of(text, frame) for text in sent]
        assert [each.rows for each in found] == [len(rows) for rows in bodies]
        assert len({id(each.kind) for each in found}) == 1
        merged = frame.merged(found)
        for read in READ.values():
            alone = [holder_of(read(text)) for text in sent]
            assert repr(holder_of(read(merged))) == repr([row for rows in alone for row in rows])
            assert beside(read, merged) == beside(read, sent[0])


def beside(read: Callable[[str], Any], text: str) -> str:
    """What a parser finds but for the rows."""
    value = read(text)
    return repr(value).replace(repr(holder_of(value)), "rows", 1)


@given(shaped_rows())
def test_some_rows_of_a_body(bodies: list[list[str]]) -> None:
    rows = [row for each in bodies for row in each]
    found = rows_of(FORMS["data"].format(", ".join(rows)))
    for start in range(len(rows)):
        part = found.some(start, start + 1)
        for read in READ.values():
            assert repr(read(part)) == repr(read(FORMS["data"].format(rows[start])))


def test_several_members_and_pandas_index() -> None:
    form = '{{"columns": ["a"], "index": [{}], "k": 1, "data": [{}]}}'
    frame = frame_of(form.format("0", "[1.50]"), Kinds())
    found = [
        frame.rows_of(form.format(*each)) for each in (("0, 1", "[1.50],[2.0]"), ("2", "[3.1]"))
    ]
    merged = frame.merged([each for each in found if each is not None])
    assert merged == form.format("0, 1, 2", "[1.50],[2.0], [3.1]")


def test_what_stands_between_members_may_stand_in_a_row() -> None:
    form = '{{"x": [{}], "y": [{}]}}'
    odd = form.format('{"x": [1], "y": [2]}', "3")
    assert frame_of(odd, Kinds()).rows_of(odd) is None
    frame = frame_of(form.format("1", "2"), Kinds())
    assert frame.rows_of(odd) is None


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ('{"data": [1.5]}', '{"data": [1]}'),
        ('{"data": [1]}', '{"data": [1e0]}'),
        ('{"data": [1.5]}', '{"data": [[1.5]]}'),
        ('{"data": [[1.5]]}', '{"data": [[1.5, 2.5]]}'),
        ('{"data": [1.5]}', '{"data": [null]}'),
        ('{"data": [{"a": 1.5}]}', '{"data": [{"b": 1.5}]}'),
        ('{"data": [{"a": 1.5, "b": 1}]}', '{"data": [{"b": 1, "a": 1.5}]}'),
        ('{"data": [1.5], "k": 1}', '{"data": [1.5], "k": 1.0}'),
        ('{"data": [1.5], "k": 1}', '{"data": [1.5], "k": 1e0}'),
        ('{"data": [1.5], "k": 1}', '{"k": 1, "data": [1.5]}'),
        ('{"data": [1.5], "k": {"a": 1}}', '{"data": [1.5], "k": {"a": 1, "a": 1}}'),
        ("[1.5]", '{"data": [1.5]}'),
    ],
)
def test_what_is_not_alike_is_not_of_one_kind(left: str, right: str) -> None:
    kinds = Kinds()
    frame = frame_of(left, kinds)
    for text in (left, left, right):
        other = frame.rows_of(text) or rows_of(text, kinds)
    assert other.kind is not rows_of(left, frame).kind


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not_json"),
        ("[1.5", "not_json"),
        ("[1.5 2.5]", "not_json"),
        ("[NaN]", "not_json"),
        ("\ufeff[1.5]", "not_json"),
        ('["\\ud800"]', "not_json"),
        ('["\ud800"]', "not_json"),
        ("[123456789012345678901]", "long_integer"),
        ('{"data": [1.5], "k": 123456789012345678901}', "long_integer"),
        ("5", "no_rows"),
        ("[]", "no_rows"),
        ('{"data": []}', "no_rows"),
        ('{"x": [1], "y": [1, 2]}', "no_rows"),
        ("[1, 2.0]", "uneven_rows"),
        ("[" * 50 + "]" * 50, "too_deep"),
        ("[" * 100_000 + "]" * 100_000, "not_json"),
        ('{"data": [1], "data": [1]}', "ambiguous"),
        ('{"data": [1], "d\\u0061ta": [1]}', "ambiguous"),
        ('{"Inputs": {"data": [1]}, "Inputs": {"data": [1]}}', "ambiguous"),
        ('{"data": [1], "k": 1, "k": 1}', "ambiguous"),
    ],
)
def test_what_runs_alone(text: str, reason: str) -> None:
    assert reason_against(text) == reason


@given(st.text(st.sampled_from('0123456789.eE+-, \n\t[]{}":aN'), max_size=20))
def test_what_is_taken_for_a_row_is_one_or_no_json(inner: str) -> None:
    """Whatever stands in its place."""
    frame = frame_of('{"data": [[0.5, 1.5]]}', Kinds())
    known = rows_of('{"data": [[0.5, 1.5]]}', frame)
    try:
        found = frame.rows_of(f'{{"data": [[{inner}]]}}')
    except NotMerged:
        return
    if found is None or found.kind is not known.kind:
        return
    merged = frame.merged([known, found])
    try:
        rows = json.loads(merged)["data"]
    except ValueError:
        with pytest.raises(json.JSONDecodeError):
            json.loads(f"[[{inner}]]")
        return
    assert rows == [[0.5, 1.5], *json.loads(f"[[{inner}]]")]
    assert {type(value) for row in rows for value in row} == {float}


def test_looks_are_forgotten_in_the_end() -> None:
    frame = frame_of("[[1.5]]", Kinds())
    for _ in range(2):
        for width in range(1, 100):
            assert rows_of(json.dumps([[0.5] * width]), frame).rows == 1
    assert len(frame._looks) <= 32
