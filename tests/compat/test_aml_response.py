"""AMLResponse: the reference's arguments, and what becomes of them."""

from __future__ import annotations

import datetime
import inspect
import json
import uuid
from typing import Any

import flask
import numpy as np
import pytest

from scoreserve.compat.aml_response import AMLResponse

TEXT = "text/html; charset=utf-8"
JSON = "application/json"

FAILED = ("x-ms-run-function-failed", "False")


def headers(response: AMLResponse) -> list[tuple[str, str]]:
    """All but the length."""
    return [(name, value) for name, value in response.headers if name != "Content-Length"]


class TestMessage:
    @pytest.mark.parametrize(
        ("message", "json_str", "body", "content_type"),
        [
            ("text", False, b"text", TEXT),
            ("", False, b"", TEXT),
            ("ä", False, "ä".encode(), TEXT),
            (b"\x00\xff", False, b"\x00\xff", TEXT),
            ([b"a", "b"], False, b"ab", TEXT),
            (None, False, b"{}", JSON),
            (None, True, b"{}", JSON),
            ({"a": [1, None]}, True, b'{"a": [1, null]}', JSON),
            ("text", True, b'"text"', JSON),
            ("ä", True, b'"\\u00e4"', JSON),
            ([float("nan")], True, b"[NaN]", JSON),
            (0, True, b"0", JSON),
            (False, True, b"false", JSON),
        ],
    )
    def test_is_the_body(
        self, message: Any, json_str: bool, body: bytes, content_type: str
    ) -> None:
        response = AMLResponse(message, 200, json_str=json_str)
        assert response.get_data() == body
        assert headers(response) == [("Content-Type", content_type), FAILED]

    def test_is_written_by_the_scripts_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As by the reference, be it one that returns bytes."""
        monkeypatch.setattr(json, "dumps", lambda value: b"[%d]" % value)
        assert AMLResponse(7, 200, json_str=True).get_data() == b"[7]"

    def test_of_parts_to_come_is_streamed(self) -> None:
        response = AMLResponse((part for part in ("a", "b")), 200)
        assert response.is_streamed
        assert list(response.iter_encoded()) == [b"a", b"b"]

    @pytest.mark.parametrize("message", [{1}, b"bytes", object()])
    def test_without_a_json_form_fails(self, message: Any) -> None:
        with pytest.raises(TypeError):
            AMLResponse(message, 200, json_str=True)


class TestHeaders:
    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("one", ["one"]),
            ("one,two", ["one", "two"]),
            (" one , two ", ["one", "two"]),
            ("one,", ["one", ""]),
            ("", [""]),
            ("Wed, 21 Oct 2015", ["Wed", "21 Oct 2015"]),
            ('"a,b"', ['"a', 'b"']),
        ],
    )
    def test_are_split_at_commas(self, given: str, sent: list[str]) -> None:
        """Without a thought for dates and quotes, as by the reference."""
        assert AMLResponse("", 200, {"X-One": given}).headers.getlist("x-one") == sent

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            (5, ["5"]),
            (0.5, ["0.5"]),
            (True, ["True"]),
            (np.int64(5), ["5"]),
            (b"a\xe9,b", ["aé", "b"]),
            (uuid.UUID(int=1), ["00000000-0000-0000-0000-000000000001"]),
            (["a, b", 1, b"c"], ["a, b", "1", "c"]),
            ((), []),
            (None, []),
        ],
        ids=repr,
    )
    def test_that_are_no_text_are_sent_as_it(self, given: Any, sent: list[str]) -> None:
        response = AMLResponse("", 200, {"X-One": given, "X-Two": "2"})
        assert response.headers.getlist("x-one") == sent
        assert response.headers["x-two"] == "2"

    def test_keep_their_order_and_name(self) -> None:
        response = AMLResponse("", 200, {"x-B": "1", "X-a": "2,3"})
        assert headers(response)[2:] == [("x-B", "1"), ("X-a", "2"), ("X-a", "3")]

    def test_replace_the_content_type(self) -> None:
        response = AMLResponse(b"", 200, {"Content-Type": "image/png"})
        assert headers(response) == [FAILED, ("Content-Type", "image/png")]
        assert response.mimetype == "image/png"

    @pytest.mark.parametrize(
        ("message", "json_str", "name"),
        [("", False, "content-type"), ({}, True, "Content-Type"), (None, False, "Content-Type")],
        ids=["in small letters", "of JSON", "of nothing"],
    )
    def test_stand_beside_a_content_type_that_they_do_not_replace(
        self, message: Any, json_str: bool, name: str
    ) -> None:
        """The reference sends both."""
        response = AMLResponse(message, 200, {name: "image/png"}, json_str=json_str)
        types = response.headers.getlist("content-type")
        assert types == [JSON if json_str or message is None else TEXT, "image/png"]

    def test_say_whether_run_failed(self) -> None:
        response = AMLResponse("", 200, run_function_failed=True)
        assert response.headers["x-ms-run-function-failed"] == "True"

    def test_of_one_response_are_not_those_of_the_next(self) -> None:
        AMLResponse("", 200).headers["x-one"] = "1"
        assert "x-one" not in AMLResponse("", 200).headers

    @pytest.mark.parametrize("value", ["a\r\nx-b: 1", "a\nb"])
    def test_cannot_hold_a_line_end(self, value: str) -> None:
        with pytest.raises(ValueError, match="newline"):
            AMLResponse("", 200, {"X-One": value})


class TestResponse:
    def test_has_the_references_arguments(self) -> None:
        arguments = inspect.signature(AMLResponse).parameters
        assert [(name, each.default) for name, each in arguments.items()] == [
            ("message", inspect.Parameter.empty),
            ("status_code", inspect.Parameter.empty),
            ("response_headers", {}),
            ("json_str", False),
            ("run_function_failed", False),
        ]

    def test_needs_a_status(self) -> None:
        with pytest.raises(TypeError, match="status_code"):
            AMLResponse({"label": 1})  # type: ignore[call-arg]

    def test_is_flasks_and_can_be_changed_as_such(self) -> None:
        response = AMLResponse("", 200)
        assert isinstance(response, flask.Response)
        response.mimetype = "image/jpg"
        response.status_code = 418
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.set_cookie(
            "a", "1", expires=datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
        )
        assert (response.content_type, response.status_code) == ("image/jpg", 418)
        assert "01 Jan 2030" in response.headers["set-cookie"]

    def test_says_its_name_as_the_reference_does(self) -> None:
        assert AMLResponse.__module__ == "azureml_inference_server_http.api.aml_response"
        assert repr(AMLResponse("body", 201)) == "<AMLResponse 4 bytes [201 CREATED]>"
