"""From a request to run()'s arguments: what scripts get, and what clients are told."""

from __future__ import annotations

import bz2
import gzip
import inspect
import json
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.errors import BadInput, MethodRefused, ReplyError, UnsupportedInput
from scoreserve.worker.script.inputs import InputReader, SchemaInput, TextInput, query_values
from tests.worker.fakes import encoded_head

TEXT = TextInput("data")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def schema_input(run: Callable[..., Any]) -> SchemaInput:
    return SchemaInput(list(inspect.signature(run).parameters.values()))


def message(error: type[ReplyError], reader: InputReader, body: bytes, **head: Any) -> str:
    """What the client of a refused request is told."""
    with pytest.raises(error) as caught:
        reader.read(encoded_head(**head), memoryview(body))
    return caught.value.message


class TestTextInput:
    @given(st.text())
    def test_the_body_is_a_str(self, text: str) -> None:
        assert TEXT.read(encoded_head(), memoryview(text.encode())) == {"data": text}

    @pytest.mark.parametrize(
        "content_type", ["text/csv", "application/x-www-form-urlencoded", "multipart/form-data"]
    )
    def test_whatever_the_content_type_says(self, content_type: str) -> None:
        head = encoded_head(headers=[("content-type", content_type)])
        assert TEXT.read(head, b"a=1") == {"data": "a=1"}

    def test_bytes_that_are_no_utf8_are_refused(self) -> None:
        assert "UTF-8" in message(BadInput, TEXT, b"\xff")

    def test_a_byte_order_mark_is_kept(self) -> None:
        assert TEXT.read(encoded_head(), b"\xef\xbb\xbf[]") == {"data": "\ufeff[]"}

    def test_a_query_is_a_json_object(self) -> None:
        arguments = TEXT.read(encoded_head("GET", query="a=1&b=x"), b"")
        assert json.loads(arguments["data"]) == {"a": 1, "b": "x"}

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
    def test_other_methods_are_refused(self, method: str) -> None:
        assert message(MethodRefused, TEXT, b"", method=method) == "Method not allowed"


class TestSchemaInput:
    def test_members_are_arguments_by_name(self) -> None:
        def run(data: Any, params: Any) -> None: ...

        body = b'{"params": {"a": 1}, "data": [1], "extra": 2}'
        assert schema_input(run).read(encoded_head(), memoryview(body)) == {
            "data": [1],
            "params": {"a": 1},
        }

    @given(json_values)
    def test_any_json_value_comes_through(self, value: Any) -> None:
        def run(data: Any) -> None: ...

        body = json.dumps({"data": value}).encode()
        assert schema_input(run).read(encoded_head(), body) == {"data": value}

    def test_nan_is_allowed_as_in_the_stdlib(self) -> None:
        def run(data: Any) -> None: ...

        (value,) = schema_input(run).read(encoded_head(), b'{"data": NaN}').values()
        assert value != value  # noqa: PLR0124 - only NaN does

    def test_a_default_stands_in_for_a_missing_member(self) -> None:
        def run(data: Any, params: Any = None, top: int = 3) -> None: ...

        read = schema_input(run).read(encoded_head(), b'{"data": 1, "top": null}')
        assert read == {"data": 1, "params": None, "top": None}

    def test_a_missing_member_is_named(self) -> None:
        def run(data: Any) -> None: ...

        told = message(BadInput, schema_input(run), b"{}")
        assert told == "A value is not provided for the 'data' parameter."

    def test_a_query_gives_members_too(self) -> None:
        def run(a: Any, b: Any) -> None: ...

        read = schema_input(run).read(encoded_head("GET", query="a=[1]&b=x"), b"")
        assert read == {"a": [1], "b": "x"}

    @pytest.mark.parametrize(
        ("body", "told"),
        [
            (b"", "POST body is empty. Expecting a JSON dictionary."),
            (b"[]", "POST body should be a JSON dictionary."),
            (b"1", "POST body should be a JSON dictionary."),
            (b"null", "POST body should be a JSON dictionary."),
            (b"{", "POST body could not be decoded as JSON"),
            (b"\xff", "POST body could not be decoded as JSON"),
            (b'{"data": 1} x', "POST body could not be decoded as JSON"),
            (b"[" * 200_000, "POST body could not be decoded as JSON"),
        ],
        ids=lambda value: value[:12],
    )
    def test_what_is_no_json_object_is_refused(self, body: bytes, told: str) -> None:
        def run(data: Any) -> None: ...

        assert message(BadInput, schema_input(run), body).startswith(told)

    @pytest.mark.parametrize(
        "content_type",
        [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON",
            "application/problem+json",
        ],
    )
    def test_json_types_are_taken(self, content_type: str) -> None:
        def run(data: Any) -> None: ...

        head = encoded_head(headers=[("content-type", content_type)])
        assert schema_input(run).read(head, b'{"data": 1}') == {"data": 1}

    @pytest.mark.parametrize(
        "headers",
        [
            [],
            [("content-type", "text/plain")],
            [("content-type", "text/json+json")],
            [("content-type", "application/x-www-form-urlencoded")],
        ],
        ids=str,
    )
    def test_other_types_are_refused(self, headers: list[tuple[str, str]]) -> None:
        def run(data: Any) -> None: ...

        told = message(UnsupportedInput, schema_input(run), b'{"data": 1}', headers=headers)
        assert told == "Expects Content-Type to be application/json"

    @pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
    def test_other_methods_are_refused(self, method: str) -> None:
        def run(data: Any) -> None: ...

        message(MethodRefused, schema_input(run), b"", method=method)


class TestCompressedBody:
    """Is told as such, and not as bad text."""

    TEXT = b'{"data": "hello"}'
    TYPE = ("content-type", "application/json")

    @pytest.fixture(params=["text", "schema"])
    def reader(self, request: pytest.FixtureRequest) -> InputReader:
        def run(data: Any) -> None: ...

        return TEXT if request.param == "text" else schema_input(run)

    @pytest.mark.parametrize(
        ("coding", "compress"),
        [("gzip", gzip.compress), ("deflate", zlib.compress), ("X-Bzip", bz2.compress)],
    )
    def test_is_refused_by_its_coding(
        self, reader: InputReader, coding: str, compress: Callable[[bytes], bytes]
    ) -> None:
        headers = [self.TYPE, ("content-encoding", coding)]
        told = message(UnsupportedInput, reader, compress(self.TEXT), headers=headers)
        assert told == f"Content-Encoding {coding} is not accepted: send the body as it is."

    def test_is_refused_by_all_of_them(self, reader: InputReader) -> None:
        headers = [self.TYPE, ("content-encoding", "identity , br"), ("content-encoding", "gzip")]
        told = message(UnsupportedInput, reader, gzip.compress(self.TEXT), headers=headers)
        assert "Content-Encoding br, gzip is not" in told

    def test_is_refused_by_some_of_a_name_that_never_ends(self, reader: InputReader) -> None:
        headers = [self.TYPE, ("content-encoding", "x" * 10_000)]
        assert len(message(UnsupportedInput, reader, b"\xff", headers=headers)) < 200

    @pytest.mark.parametrize("coding", [None, "", "identity", "Identity, identity"])
    def test_that_does_not_say_so_is_bad_text(
        self, reader: InputReader, coding: str | None
    ) -> None:
        headers = [self.TYPE] if coding is None else [self.TYPE, ("content-encoding", coding)]
        told = message(BadInput, reader, gzip.compress(self.TEXT), headers=headers)
        assert "decoded as" in told

    @pytest.mark.parametrize("coding", ["gzip", "utf-8", "identity"])
    def test_is_none_that_is_text_whatever_it_says(self, reader: InputReader, coding: str) -> None:
        """As in the reference: clients that name a charset there have always been served."""
        head = encoded_head(headers=[self.TYPE, ("content-encoding", coding)])
        assert reader.read(head, self.TEXT)["data"] in {"hello", self.TEXT.decode()}


class TestQueryValues:
    @pytest.mark.parametrize(
        ("query", "values"),
        [
            (b"", {}),
            (b"a=1&b=[1,2]&c=x", {"a": 1, "b": [1, 2], "c": "x"}),
            (b"a=1&a=2&a=x", {"a": [1, 2, "x"]}),
            (b"a=&b", {"a": "", "b": ""}),
            (b"a=%22x%22&b=x+y&%61b=%C3%A4", {"a": "x", "b": "x y", "ab": "ä"}),
            (b"a=%FF%C3%A4", {"a": "%FFä"}),
            (b"a={%22b%22:null}", {"a": {"b": None}}),
            (b"a=true&b=True", {"a": True, "b": "True"}),
        ],
    )
    def test_are_read_as_json_where_they_are_json(
        self, query: bytes, values: dict[str, Any]
    ) -> None:
        assert query_values(query) == values

    @given(st.binary())
    def test_of_any_query_are_text_keys(self, query: bytes) -> None:
        assert all(isinstance(name, str) for name in query_values(query))

    def test_nested_too_deeply_are_text(self) -> None:
        assert query_values(b"a=" + b"[" * 100_000)["a"] == "[" * 100_000


class TestWhatTheScriptPutsInJsonsPlace:
    @pytest.fixture(autouse=True)
    def replaced(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(json, "dumps", lambda value: b"the script's")
        monkeypatch.setattr(json, "loads", lambda text: b"the script's")

    def test_is_not_asked_for_inputs(self) -> None:
        head = encoded_head("GET", query="a=[1]")
        assert TEXT.read(head, b"") == {"data": '{"a": [1]}'}
        assert schema_input(lambda a: a).read(encoded_head(), b'{"a": [1]}') == {"a": [1]}
        assert query_values(b"a=[1]") == {"a": [1]}
