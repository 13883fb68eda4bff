"""The one log line of a request, or the two of the reference."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable

import pytest

from scoreserve import logs
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.messages.replies import Reply
from scoreserve.front.observe.access_log import AccessLog
from tests.front.fakes import request_head

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
OK = Reply(200, b"", b"[1, 2]")


class Log:
    """An access log and what it wrote."""

    def __init__(self, *, lines: int = 2, direct: bool = True, color: bool = False) -> None:
        self.stream = io.StringIO()
        self.deferred: list[Callable[[], None]] = []
        self.log = AccessLog(
            lambda seconds, run: self.deferred.append(run),
            lines=lines,
            direct=direct,
            color=color,
            stream=self.stream,
        )

    def lines(self) -> list[str]:
        """What is written once all that was put off is done."""
        while self.deferred:
            self.deferred.pop()()
        return self.stream.getvalue().splitlines()


@pytest.fixture
def log(clean_loggers: None) -> Log:
    logs.configure_default()
    return Log()


def test_a_scored_request_has_both_lines(log: Log) -> None:
    head = request_head(query="a=1", referer="there", user_agent="curl/8")
    log.log.record(head, OK, 0.0123456, api=True)
    api, access = log.lines()
    assert re.fullmatch(rf"{TIME} I \[\d+\] azmlinfsrv - POST /score\?a=1 200 12\.346ms 6", api)
    assert re.fullmatch(
        rf"{TIME} I \[\d+\] gunicorn\.access - 192\.0\.2\.1 - -"
        r" \[\d\d/\w{3}/\d{4}:[\d:]+ \+0000\]"
        r' "POST /score\?a=1 HTTP/1\.1" 200 6 "there" "curl/8"',
        access,
    )


def test_nothing_is_written_before_a_batch_is(log: Log) -> None:
    log.log.record(request_head(), OK, 0.01, api=True)
    assert log.stream.getvalue() == ""
    assert len(log.deferred) == 1
    log.log.record(request_head(), OK, 0.01, api=True)
    assert len(log.deferred) == 1
    assert len(log.lines()) == 4


def test_a_probe_has_none_and_other_paths_one(log: Log) -> None:
    log.log.record(request_head("GET", "/"), OK, 0.01, api=False)
    assert log.lines() == []
    log.log.record(request_head("GET", "/other"), Reply(404, b"", b""), 0.01, api=False)
    (line,) = log.lines()
    assert '"GET /other HTTP/1.1" 404 - "-" "-"' in line


def test_the_length_of_a_stream_is_not_known(log: Log) -> None:
    stream = BodyStream(lambda: None, lambda: None)
    log.log.record(request_head(), Reply(200, b"", b"", stream), 0.01, api=True)
    assert log.lines()[0].endswith("ms N/A")


class TestOneLine:
    @pytest.fixture(autouse=True)
    def loggers(self, clean_loggers: None) -> None:
        logs.configure_default()

    @pytest.mark.parametrize(
        ("head", "request_id"),
        [
            (b"content-type: a\r\nx-request-id: mine\r\nx-ms-request-id: mine\r\n", "mine"),
            (b"content-type: a\r\n", "-"),
            (b"", "-"),
            (b"content-type: a\r\nx-request-id: \x9b1m\r\n", r"\x9b1m"),
        ],
    )
    def test_has_client_and_id(self, head: bytes, request_id: str) -> None:
        log = Log(lines=1)
        log.log.record(request_head(query="a=1"), Reply(200, head, b"[1]"), 0.0123456, api=True)
        (line,) = log.lines()
        assert re.fullmatch(
            rf"{TIME} I \[\d+\] azmlinfsrv - POST /score\?a=1 200 12\.346ms 3 192\.0\.2\.1"
            rf" {re.escape(request_id)}",
            line,
        )

    def test_has_the_id_that_is_given(self) -> None:
        log = Log(lines=1)
        log.log.record(request_head(), OK, 0.01, api=True, request_id=b"given")
        assert log.lines()[0].endswith(" 192.0.2.1 given")

    def test_is_that_of_other_paths_too_but_of_no_probe(self) -> None:
        log = Log(lines=1)
        log.log.record(request_head("GET", "/"), OK, 0.01, api=False)
        log.log.record(request_head("GET", "/other"), Reply(404, b""), 0.01, api=False)
        (line,) = log.lines()
        assert line.endswith("azmlinfsrv - GET /other 404 10.000ms 0 192.0.2.1 -")

    def test_may_have_colors_as_other_lines_have(self) -> None:
        log = Log(lines=1, color=True)
        log.log.record(request_head(), OK, 0.01, api=True)
        (line,) = log.lines()
        assert re.match(rf"\x1b\[2m{TIME}\x1b\[0m \x1b\[32mI\x1b\[0m \x1b\[2m\[\d+\]", line)
        assert line.endswith("azmlinfsrv -\x1b[0m POST /score 200 10.000ms 6 192.0.2.1 -")

    def test_goes_through_its_logger_with_a_logging_json(
        self, server_log: pytest.LogCaptureFixture
    ) -> None:
        log = Log(lines=1, direct=False)
        log.log.record(request_head(path="/%s"), OK, 0.01, api=False)
        assert log.lines() == []
        (line,) = server_log.messages
        assert line.startswith("POST /%s 200")


def test_there_may_be_none(clean_loggers: None) -> None:
    logs.configure_default()
    log = Log(lines=0)
    log.log.record(request_head(), OK, 0.01, api=True)
    assert log.lines() == []


@pytest.mark.parametrize("name", ["user_agent", "referer"])
def test_no_header_can_end_its_quotes_or_its_line(log: Log, name: str) -> None:
    log.log.record(request_head(**{name: 'a" 200 "b\\'}), OK, 0.01, api=True)
    _, access = log.lines()
    assert access.count('"') == 6


def test_percent_signs_are_what_they_are(log: Log) -> None:
    log.log.record(request_head(path="/%s%d", user_agent="%s"), OK, 0.01, api=True)
    api, access = log.lines()
    assert "POST /%s%d 200" in api
    assert '"POST /%s%d HTTP/1.1"' in access
    assert access.endswith('"%s"')
    assert "[%s]" not in access


def test_a_level_over_info_silences_it(clean_loggers: None) -> None:
    logs.configure_default("WARNING")
    log = Log()
    log.log.record(request_head(), OK, 0.01, api=True)
    assert log.lines() == []


def test_with_a_logging_json_lines_go_through_the_loggers(
    server_log: pytest.LogCaptureFixture,
) -> None:
    access = logging.getLogger("gunicorn.access")
    access.handlers, access.propagate = [server_log.handler], False
    access.setLevel(logging.INFO)
    log = Log(direct=False)
    log.log.record(request_head(path="/%s", user_agent="%s"), OK, 0.01, api=True)
    assert log.lines() == []
    api, line = server_log.messages
    assert api.startswith("POST /%s 200")
    assert '"POST /%s HTTP/1.1"' in line


def test_control_characters_of_a_client_are_escaped(log: Log) -> None:
    """Some terminals obey 0x9b, and some that split logs take 0x85 for the end of a line."""
    head = request_head(path="/a\x7fb", referer="c\x80d", user_agent="e\x9b31mf\x85g")
    log.log.record(head, OK, 0.01, api=False)
    (line,) = log.lines()
    assert not set(map(chr, range(0x7F, 0xA0))) & set(line)
    for escaped in (r"/a\x7fb", r"\x80d", r"\x9b31mf", r"\x85g"):
        assert escaped in line
