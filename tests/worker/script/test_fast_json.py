"""json.loads of the script: whatever the text, the stdlib's value or its error."""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scoreserve.worker.script import fast_json, memory

numbers = st.from_regex(r"-?[0-9]{1,24}(\.[0-9]{0,24})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
scalars = (
    st.integers(-(2**66), 2**66).map(str)
    | numbers
    | st.floats().map(json.dumps)
    | st.text(st.characters(codec=None)).map(json.dumps)  # lone surrogates too
    | st.text().map(lambda text: json.dumps(text, ensure_ascii=False))
    | st.sampled_from(["null", "true", "false", "NaN", "-Infinity", "", "tru", '"\\x"', '"\x01"'])
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(st.sampled_from(["a", "b", "\\ud800", "ä"]), inner), max_size=4).map(
            lambda pairs: "{" + ", ".join(f'"{key}": {value}' for key, value in pairs) + "}"
        )
    ),
    max_leaves=10,
)
scraps = st.text('0123456789.eE+-[]{}:, "\\ntrufalsNI\t\ufeff', max_size=30)


@pytest.fixture
def installed() -> Iterator[None]:
    before = json._default_decoder  # type: ignore[attr-defined]
    fast_json.install()
    yield
    json._default_decoder = before  # type: ignore[attr-defined]


def outcome(loads: Callable[[str], Any], text: str) -> Any:
    """Something to compare: the value with its types and the order of its keys, or the error."""
    try:
        return repr(loads(text))
    except json.JSONDecodeError as error:
        return (type(error), error.args, error.pos)


STDLIB = json.JSONDecoder().decode


@settings(max_examples=500)
@given(documents | scraps)
@example("18446744073709551616")
@example("[-9223372036854775809]")
@example('{"a": 1, "b": 2, "a": 3}')
@example("-0")
@example("[1e999, 5e-324, 1.7976931348623159e308]")
@example("\ufeff[1]")
@example('["\\ud83d\\ude00", "\\ud800"]')
def test_the_value_or_the_error_is_that_of_the_stdlib(text: str) -> None:
    assert outcome(fast_json.Decoder().decode, text) == outcome(STDLIB, text)


@pytest.mark.parametrize("position", range(85))
def test_a_long_integer_is_found_wherever_it_lies(
    position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fast_json, "_PIECE", 32)
    text = f'["{"x" * position}", {2**63 + 2**64}, "{"y" * (85 - position)}"]'
    assert outcome(fast_json.Decoder().decode, text) == outcome(STDLIB, text)


def test_none_is_looked_for_in_a_text_that_is_known_to_have_none(installed: None) -> None:
    text, other = "[1.5]", f"[{2**64}]"
    looked_in: list[str] = []

    def has_long_integer(text: str) -> bool:
        looked_in.append(text)
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_json, "has_long_integer", has_long_integer)
        with fast_json.read_as_it_stands(text):
            assert json.loads(text) == [1.5]
            assert json.loads(other) == [2**64]
        json.loads(text)
    assert looked_in == [other, text]


def test_orjson_alone_would_make_it_a_float() -> None:
    assert type(orjson.loads(str(2**64))) is float


@pytest.mark.parametrize(
    "text",
    [
        "[0.00555111512312578301, 0.1]",
        "[0.1, 123456789012345678]",
        "[" + ", ".join(["0.0012345678901234567"] * 10_000) + "]",
        '{"text": "ä€😀"}',
    ],
    ids=["digits_of_a_fraction", "eighteen_digits", "more_than_a_piece", "unicode"],
)
def test_what_orjson_reads_alike_is_read_by_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: object, text: str) -> Any:
        raise AssertionError("the stdlib was asked")

    monkeypatch.setattr(json.JSONDecoder, "decode", refuse)
    fast_json.Decoder().decode(text)


@pytest.mark.usefixtures("installed")
class TestInstalled:
    def test_loads_of_text_and_of_bytes(self) -> None:
        assert json.loads('{"a": [1, 2.5, null]}') == {"a": [1, 2.5, None]}
        assert json.loads(b'"\xc3\xa4"') == "ä"

    def test_arguments_of_the_caller_are_heeded(self) -> None:
        assert json.loads("[1.5]", parse_float=str) == ["1.5"]
        assert json.loads("{}", object_hook=lambda pairs: "hooked") == "hooked"

    def test_subclasses_of_str_are_read(self) -> None:
        class Text(str):
            __slots__ = ()

        assert json.loads(Text("[1]")) == [1]

    def test_nan_is_a_number_still(self) -> None:
        assert math.isnan(json.loads("NaN"))

    @pytest.mark.parametrize("wrong", [None, 1, [1]])
    def test_what_is_no_text_is_refused_as_before(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match="the JSON object must be str"):
            json.loads(wrong)

    def test_deeper_than_the_stdlib_goes(self) -> None:
        with pytest.raises(RecursionError):
            json.loads("[" * 100_000)


def test_a_large_text_that_there_is_no_memory_for_is_left_to_the_stdlib(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """orjson may end the process when it gets none."""
    text = f"[{'0.5,' * (1 << 18)}0]"
    asked = []

    def has_room_for(size: int) -> bool:
        asked.append(size)
        return False

    monkeypatch.setattr(fast_json, "orjson", SimpleNamespace(loads=None))
    monkeypatch.setattr(memory, "has_room_for", has_room_for)
    assert fast_json.Decoder().decode(text) == [0.5] * (1 << 18) + [0]
    assert asked == [24 * len(text)]


@pytest.mark.parametrize("collecting", [True, False])
@pytest.mark.parametrize("ending", ["]", "!"], ids=["read", "refused"])
def test_the_garbage_collector_does_not_look_at_a_large_text_while_it_is_read(
    monkeypatch: pytest.MonkeyPatch, ending: str, *, collecting: bool
) -> None:
    seen: list[bool] = []

    def loads(text: str) -> Any:
        seen.append(gc.isenabled())
        return orjson.loads(text)

    monkeypatch.setattr(fast_json, "_LARGE", 10)
    monkeypatch.setattr(fast_json, "orjson", SimpleNamespace(loads=loads))
    if not collecting:
        gc.disable()  # as a script may
    try:
        for text in ("[1]", f"[[1.5], [2.5]{ending}"):
            outcome(fast_json.Decoder().decode, text)
        assert seen == [collecting, False]
        assert gc.isenabled() == collecting
    finally:
        gc.enable()
