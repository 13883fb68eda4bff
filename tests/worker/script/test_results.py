"""From what run() returned, or how it failed, to the outcome of a job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scoreserve import wire
from scoreserve.errors import (
    BadInput,
    ReplyError,
    ResultUnusable,
    ScoringTimeout,
    ScriptFailed,
)
from scoreserve.wire import Outcome
from scoreserve.worker.script import results
from scoreserve.worker.script.responses import StreamedOutcome
from tests.worker.fakes import encoded_head


def result(value: Any, *, strict_json: bool = False) -> Outcome:
    outcome = results.result(7, value, encoded_head(), 0.5, strict_json=strict_json)
    assert isinstance(outcome, Outcome)
    return outcome


class TestResult:
    @pytest.mark.parametrize(
        ("value", "body"),
        [
            ([1], b"[1]"),
            ("text", b'"text"'),
            ('{"a": 1}', b'"{\\"a\\": 1}"'),
            (None, b"{}"),
            (0, b"0"),
            (False, b"false"),
            ("", b'""'),
            ([None], b"[null]"),
        ],
    )
    def test_is_json(self, value: Any, body: bytes) -> None:
        outcome = result(value)
        assert (outcome.id, outcome.status, outcome.body) == (7, 200, body)
        assert outcome.head == (
            b"content-type: application/json\r\nx-ms-run-function-failed: False\r\n"
        )

    def test_tells_how_long_run_took(self) -> None:
        outcome = result([1])
        assert (outcome.ran, outcome.run_seconds) == (True, 0.5)

    def test_is_strict_on_demand(self) -> None:
        assert result(float("nan")).body == b"NaN"
        assert result(float("nan"), strict_json=True).body == b"null"

    def test_without_a_json_form_is_unusable_for_a_reason(self) -> None:
        with pytest.raises(ResultUnusable) as caught:
            result({1, 2})
        assert "set" in str(caught.value.__cause__)

    @pytest.mark.parametrize("error", [KeyError("mine"), SystemExit(3), MemoryError()], ids=repr)
    def test_whose_own_method_fails_is_unusable(self, error: BaseException) -> None:
        class Broken:
            def tolist(self) -> Any:
                raise error

        with pytest.raises(ResultUnusable):
            result(Broken())


class TestStream:
    def test_of_a_generator_is_text_in_chunks(self) -> None:
        outcome = results.result(
            7, (c for c in ("ä", b"b")), encoded_head(), 0.5, strict_json=False
        )
        assert isinstance(outcome, StreamedOutcome)
        assert outcome.outcome.flags == wire.RAN | wire.STREAMED
        assert list(outcome.chunks) == ["ä".encode(), b"b"]

    def test_of_anything_but_text_fails_at_that_chunk(self) -> None:
        outcome = results.result(7, (c for c in ("a", 1)), encoded_head(), 0.5, strict_json=False)
        assert isinstance(outcome, StreamedOutcome)
        assert next(outcome.chunks) == b"a"
        with pytest.raises(TypeError, match="int"):
            next(outcome.chunks)


class TestFailure:
    @pytest.mark.parametrize(
        ("error", "status", "failed"),
        [
            (BadInput("no"), 400, b"False"),
            (ScriptFailed(), 500, b"True"),
            (ScoringTimeout(250), 500, b"True"),
            (ResultUnusable(), 500, b"False"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_is_its_message_in_json(self, error: ReplyError, status: int, failed: bytes) -> None:
        outcome = results.failure(7, error, 0.5)
        assert (outcome.id, outcome.status, outcome.ran) == (7, status, False)
        assert json.loads(outcome.body) == {"message": error.message}
        assert b"x-ms-run-function-failed: %b\r\n" % failed in outcome.head

    def test_shows_a_traceback_that_is_given_line_by_line(self) -> None:
        outcome = results.failure(7, ScriptFailed(), traceback="first\n  \udc80 second\n")
        shown = json.loads(outcome.body)
        assert shown == {
            "message": ScriptFailed().message,
            "traceback": ["first", "  \udc80 second"],
        }
        assert outcome.body.count(b"\n") > 3  # one line each in a terminal too
