"""The log line of a request as a JSON object."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from scoreserve import logs, tracing
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.messages.replies import Reply
from scoreserve.front.observe.access_log_json import JsonAccessLog
from tests.front.fakes import request_head

OK = Reply(200, b"content-type: a\r\nx-request-id: mine\r\n", b"[1, 2]", None, False, 0.5, 0.125)


class Log:
    """An access log and what it wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.deferred: list[Callable[[], None]] = []
        self.log = JsonAccessLog(lambda seconds, run: self.deferred.append(run), stream=self.stream)

    def lines(self) -> list[Any]:
        """What is written once all that was put off is done."""
        while self.deferred:
            self.deferred.pop()()
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log(clean_loggers: None) -> Log:
    logs.configure_default()
    return Log()


def test_a_scored_request_is_one_object(log: Log) -> None:
    head = request_head(query="a=1", user_agent="curl/8")
    log.log.record(head, OK, 0.5000004, api=True)
    (line,) = log.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("time"))
    assert line == {
        "level": "INFO",
        "logger": "gunicorn.access",
        "message": "POST /score 200",
        "pid": os.getpid(),
        "role": "front",
        "request_id": "mine",
        "client": "192.0.2.1",
        "method": "POST",
        "path": "/score",
        "query": "a=1",
        "status": 200,
        "seconds": 0.5,
        "bytes": 6,
        "user_agent": "curl/8",
        "phases": {"queue": 0.375, "run": 0.125, "total": 0.5},
    }


def test_the_id_may_be_given(log: Log) -> None:
    log.log.record(request_head(), OK, 0.5, api=True, request_id=b"given")
    assert log.lines()[0]["request_id"] == "given"


def test_another_has_neither_id_nor_phases(log: Log) -> None:
    log.log.record(request_head("GET", "/other"), Reply(404, b""), 0.01, api=False)
    (line,) = log.lines()
    assert not {"request_id", "phases", "query", "user_agent"} & set(line)
    assert (line["path"], line["status"], line["bytes"]) == ("/other", 404, 0)


def test_lines_are_written_together(log: Log) -> None:
    for _ in range(3):
        log.log.record(request_head(), OK, 0.01, api=True)
    assert log.stream.getvalue() == ""
    assert len(log.deferred) == 1
    assert len(log.lines()) == 3


def test_the_length_of_a_stream_is_not_known(log: Log) -> None:
    stream = BodyStream(lambda: None, lambda: None)
    log.log.record(request_head(), Reply(200, OK.head, stream=stream), 0.01, api=True)
    assert log.lines()[0]["bytes"] is None


@pytest.mark.parametrize("text", ['"}\n{"', "\\", "%s{}", "ä\x7f\x1f", ""])
def test_what_a_client_sends_stays_in_its_place(log: Log, text: str) -> None:
    head = request_head(path=f"/{text}", query=text, user_agent=text)
    log.log.record(head, OK, 0.01, api=True)
    (line,) = log.lines()
    shown = text.encode().decode("latin-1")
    assert line["path"] == f"/{shown}"
    assert line.get("query", "") == shown
    assert line["user_agent"] == shown


@pytest.mark.parametrize(
    "path", ["/", "/health/live", "/health/ready", "/metrics", "/status/details.json"]
)
def test_probes_and_scrapes_have_none(log: Log, path: str) -> None:
    log.log.record(request_head("GET", path), OK, 0.01, api=False)
    assert log.lines() == []


def test_a_level_over_info_silences_it(clean_loggers: None) -> None:
    logs.configure_default("WARNING")
    log = Log()
    log.log.record(request_head(), OK, 0.01, api=True)
    assert log.lines() == []


def test_with_traces_on_it_has_the_ids_of_its_trace_and_its_span(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs.JsonFormatter, "traced", True)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = Reply(200, OK.head, b"")
    log.log.record(request_head("GET", "/swagger.json"), answer, 0.5, api=True)
    answer.job_id = 7
    log.log.record(request_head(), answer, 0.5, api=True)
    head = request_head(traceparent=f"00-{trace}-00f067aa0ba902b7-00")
    log.log.record(head, answer, 0.5, api=True)
    none, own, theirs = log.lines()
    assert "trace_id" not in none
    assert own["trace_id"] == tracing.trace_of(b"", b"mine").id
    assert theirs["trace_id"] == trace
    assert own["span_id"] == theirs["span_id"] == tracing.server_span_id(b"mine", 7)
