"""Responses and generators that run() returned, as outcomes."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import flask
import pytest

from scoreserve import wire
from scoreserve.errors import ResultUnusable
from scoreserve.wire import Outcome
from scoreserve.worker.script import responses
from scoreserve.worker.script.responses import StreamedOutcome
from tests.worker.fakes import head_of

pytestmark = pytest.mark.usefixtures("server_log")


def outcome_of(response: flask.Response, method: str = "POST") -> Outcome:
    """The outcome of a response that is whole."""
    outcome = responses.from_response(7, response, head_of(method), 0.5)
    assert isinstance(outcome, Outcome)
    return outcome


def streamed_of(response: flask.Response) -> StreamedOutcome:
    """The outcome of a response whose body is still to come."""
    outcome = responses.from_response(7, response, head_of(), 0.5)
    assert isinstance(outcome, StreamedOutcome)
    return outcome


def lines(outcome: Outcome) -> list[str]:
    """Its header lines."""
    *headers, end = outcome.head.decode("latin-1").split("\r\n")
    assert end == ""
    return headers


class Letters:
    """A body of single letters that keeps whether it was closed."""

    def __init__(self, letters: str) -> None:
        self._letters = iter(letters)
        self.closed = 0

    def __iter__(self) -> Iterator[str]:
        return self._letters

    def close(self) -> None:
        self.closed += 1


class TestWhole:
    def test_has_the_responses_status_headers_and_body(self) -> None:
        outcome = outcome_of(flask.Response("ä", 201, {"X-One": "1"}))
        assert (outcome.id, outcome.status, outcome.body) == (7, 201, "ä".encode())
        assert (outcome.flags, outcome.run_seconds) == (wire.RAN, 0.5)
        assert sorted(lines(outcome)) == ["content-type: text/html; charset=utf-8", "x-one: 1"]

    def test_keeps_repeated_headers(self) -> None:
        response = flask.Response("")
        response.set_cookie("a", "1")
        response.set_cookie("b", "2")
        assert [line for line in lines(outcome_of(response)) if line.startswith("set-cookie")] == [
            "set-cookie: a=1; Path=/",
            "set-cookie: b=2; Path=/",
        ]

    def test_may_be_bytes_or_a_list(self) -> None:
        assert outcome_of(flask.Response(b"\x00\xff")).body == b"\x00\xff"
        assert outcome_of(flask.Response(["a", "b"])).body == b"ab"

    def test_tells_no_length_of_its_own(self) -> None:
        """The front tells that of what is sent; the script's may be wrong."""
        response = flask.Response("body", headers={"Content-Length": "99"})
        response.headers["Transfer-Encoding"] = "chunked"
        assert lines(outcome_of(response)) == ["content-type: text/html; charset=utf-8"]

    @pytest.mark.parametrize("status", [204, 304])
    def test_without_a_body_has_none(self, status: int) -> None:
        outcome = outcome_of(flask.Response("left out", status))
        assert (outcome.status, outcome.body, outcome.sized) == (status, b"", False)
        assert not any(line.startswith("content-length") for line in lines(outcome))

    @pytest.mark.parametrize(
        ("status", "failed"),
        [(200, []), (499, []), (500, ["True"]), (503, ["True"]), (600, ["True"])],
    )
    def test_of_500_and_more_has_failed(self, status: int, failed: list[str]) -> None:
        told = [line for line in lines(outcome_of(flask.Response("", status))) if "failed" in line]
        assert told == [f"x-ms-run-function-failed: {word}" for word in failed]

    def test_of_500_has_failed_whatever_the_script_says(self) -> None:
        response = flask.Response("", 500, {"x-ms-run-function-failed": "False"})
        told = [line for line in lines(outcome_of(response)) if "failed" in line]
        assert told == ["x-ms-run-function-failed: True"]

    def test_is_closed(self) -> None:
        closed: list[bool] = []
        response = flask.Response("body")
        response.call_on_close(lambda: closed.append(True))
        outcome_of(response)
        assert closed == [True]


class TestHead:
    def test_has_the_length_but_not_the_body(self) -> None:
        outcome = outcome_of(flask.Response("body"), "HEAD")
        assert (outcome.body, outcome.sized) == (b"", True)
        assert "content-length: 4" in lines(outcome)

    def test_of_a_stream_has_neither_and_closes_it(self) -> None:
        letters = Letters("ab")
        outcome = outcome_of(flask.Response(letters), "HEAD")
        assert (outcome.body, outcome.sized, outcome.streamed) == (b"", False, False)
        assert list(letters) == ["a", "b"]  # nobody asked for them
        assert letters.closed == 1


class TestUnsendable:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("X-A", "snow \u2603"),
            ("X-A", "null \x00"),
            ("X-A", "escape \x1b"),
            ("X-A", "delete \x7f"),
            ("X A", "1"),
            ("X:A", "1"),
            ("", "1"),
            ("Ä", "1"),
        ],
    )
    def test_headers_are_refused_by_name(self, name: str, value: str) -> None:
        response = flask.Response("", headers=[(name, value)])
        with pytest.raises(ResultUnusable) as caught:
            outcome_of(response)
        assert repr(name) in str(caught.value.__cause__)

    @pytest.mark.parametrize("value", ["tab\there", "\xe9", "", "a" * 10_000, "x: y"])
    def test_is_nothing_else(self, value: str) -> None:
        assert f"x-a: {value}" in lines(outcome_of(flask.Response("", headers={"X-A": value})))

    @pytest.mark.parametrize("status", [0, 100, 101, 199, 1000])
    def test_statuses_are_refused(self, status: int) -> None:
        with pytest.raises(ResultUnusable) as caught:
            outcome_of(flask.Response("", status))
        assert str(status) in str(caught.value.__cause__)

    @pytest.mark.parametrize("status", [200, 299, 418, 599, 600, 999])
    def test_statuses_are_no_others(self, status: int) -> None:
        assert outcome_of(flask.Response("", status)).status == status

    def test_streams_are_closed(self) -> None:
        """Their generators would else clean up at a time of their own."""
        letters = Letters("ab")
        with pytest.raises(ResultUnusable):
            streamed_of(flask.Response(letters, headers={"X-A": "\x00"}))
        assert letters.closed == 1


class TestStream:
    def test_is_made_as_it_is_asked_for(self) -> None:
        made: list[str] = []

        def body() -> Generator[str, None, None]:
            for letter in "ab":
                made.append(letter)
                yield letter

        streamed = streamed_of(flask.Response(body(), 206, {"X-One": "1"}))
        assert made == []
        assert next(streamed.chunks) == b"a"
        assert made == ["a"]
        assert streamed.outcome.flags == wire.RAN | wire.STREAMED
        assert (streamed.outcome.status, streamed.outcome.body) == (206, b"")
        assert "x-one: 1" in lines(streamed.outcome)

    def test_may_have_no_length(self) -> None:
        response = flask.Response(iter("ab"), headers={"Content-Length": "2"})
        assert not any("content-length" in line for line in lines(streamed_of(response).outcome))

    def test_is_closed_with_its_response(self) -> None:
        letters, closed = Letters("ab"), []
        response = flask.Response(letters)
        response.call_on_close(lambda: closed.append(True))
        streamed = streamed_of(response)
        next(streamed.chunks)
        streamed.close()
        assert (letters.closed, closed) == (1, [True])

    @pytest.mark.parametrize("status", [204, 304])
    def test_of_a_response_without_a_body_is_empty(self, status: int) -> None:
        streamed = responses.from_response(7, flask.Response(iter("ab"), status), head_of(), 0.5)
        chunks: Any = streamed.chunks if isinstance(streamed, StreamedOutcome) else ()
        assert list(chunks) == []


class TestGenerator:
    def test_is_streamed_as_plain_text(self) -> None:
        streamed = responses.from_generator(7, (c for c in ("ä", b"b")), 0.5)
        assert lines(streamed.outcome) == ["content-type: text/plain; charset=utf-8"]
        assert (streamed.outcome.status, streamed.outcome.run_seconds) == (200, 0.5)
        assert list(streamed.chunks) == ["ä".encode(), b"b"]

    def test_may_yield_any_bytes(self) -> None:
        chunks = (b"a", bytearray(b"b"), memoryview(b"c"))
        assert list(responses.from_generator(7, chunks, 0.5).chunks) == [b"a", b"b", b"c"]

    @pytest.mark.parametrize("chunk", [1, None, ["a"], {"a": 1}])
    def test_may_yield_nothing_else(self, chunk: Any) -> None:
        with pytest.raises(TypeError, match=type(chunk).__name__):
            next(responses.from_generator(7, (chunk,), 0.5).chunks)

    def test_sees_that_it_is_closed(self) -> None:
        seen: list[str] = []

        def run() -> Generator[str, None, None]:
            try:
                yield "a"
            finally:
                seen.append("closed")

        streamed = responses.from_generator(7, run(), 0.5)
        next(streamed.chunks)
        streamed.close()
        assert seen == ["closed"]

    def test_that_never_began_can_be_closed(self) -> None:
        responses.from_generator(7, (c for c in "a"), 0.5).close()


def test_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    outcome_of(flask.Response(""))
    assert caplog.messages == ["run() output is HTTP Response"]
