"""Outcomes of a run() that returned a response or a generator instead of a value."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scoreserve import wire
from scoreserve.errors import ResultUnusable
from scoreserve.heads import RequestHead
from scoreserve.logs import Scored, request_text
from scoreserve.wire import Outcome

_log = logging.getLogger("azmlinfsrv")

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
_LOWEST_STATUS, _HIGHEST_STATUS = 200, 999  # below, an answer would still have to follow
_SERVER_ERROR = 500
_BODILESS = frozenset({204, 304})
# What is between a server and its client: gunicorn takes none of it from a script either.
_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization"),
        *("te", "trailers", "transfer-encoding", "upgrade"),
    }
)
_GENERATOR_HEAD = b"content-type: text/plain; charset=utf-8\r\n"


class StreamedOutcome:
    """The outcome whose body is still to be made, chunk by chunk, for the request with that id.
    What is logged meanwhile is about `scored`.
    """

    def __init__(
        self, outcome: Outcome, chunks: Iterator[bytes], close: Any, request_id: bytes = b""
    ) -> None:
        self.outcome = outcome
        self.request = request_text(request_id)
        self.chunks = chunks
        self.scored: Sequence[Scored] = ()
        self._close = close

    def close(self) -> None:
        """Lets the script's generator clean up, whether or not it got to its end."""
        if self._close is not None:
            self._close()


def from_response(
    job_id: int, response: Any, head: RequestHead, seconds: float
) -> Outcome | StreamedOutcome:
    """The outcome of a run() that returned a flask response.

    Raises ResultUnusable when a header cannot be sent.
    """
    from scoreserve.worker.script import flask_requests

    _log.info("run() output is HTTP Response")
    if response.status_code >= _SERVER_ERROR:
        response.headers["x-ms-run-function-failed"] = "True"
    try:
        status, headers, body, streamed = flask_requests.finish(response, head)
        if not _LOWEST_STATUS <= status <= _HIGHEST_STATUS:
            raise ResultUnusable from ValueError(f"{status} is not the status of a response")
        # HEAD tells the length of the body that it leaves out; else what is sent is what is told.
        sized = head.method == b"HEAD" and any(
            name.lower() == "content-length" for name, _ in headers
        )
        block = _header_block(headers, keep_length=sized)
        flags = wire.RAN | (wire.CLOSE if _asks_to_close(headers) else 0)
        if streamed and head.method != b"HEAD" and status not in _BODILESS:
            outcome = Outcome(job_id, status, block, b"", seconds, flags | wire.STREAMED)
            close = getattr(body, "close", None)
            return StreamedOutcome(outcome, iter(body), close, head.request_id)
        content = b"" if status in _BODILESS else b"".join(body)
    except BaseException:
        response.close()
        raise
    response.close()
    return Outcome(job_id, status, block, content, seconds, flags | wire.SIZED if sized else flags)


def from_generator(
    job_id: int, chunks: Iterable[Any], seconds: float, request_id: bytes = b""
) -> StreamedOutcome:
    """The outcome of a run() that is a generator of str or bytes: streamed as plain text."""
    outcome = Outcome(job_id, 200, _GENERATOR_HEAD, b"", seconds, wire.RAN | wire.STREAMED)
    close = getattr(chunks, "close", None)
    return StreamedOutcome(outcome, map(_as_bytes, chunks), close, request_id)


def _as_bytes(chunk: Any) -> bytes:
    if isinstance(chunk, str):
        return chunk.encode()
    if isinstance(chunk, (bytes, bytearray, memoryview)):
        return bytes(chunk)
    raise TypeError(f"run() may yield str or bytes, not {type(chunk).__name__}")


def _asks_to_close(headers: Iterable[tuple[str, str]]) -> bool:
    return any(
        name.lower() == "connection" and "close" in value.lower().replace(" ", "").split(",")
        for name, value in headers
    )


def _header_block(headers: Iterable[tuple[str, str]], *, keep_length: bool) -> bytes:
    lines = []
    for name, value in headers:
        if not _TOKEN.fullmatch(name) or _UNSENDABLE.search(value):
            raise ResultUnusable from ValueError(f"header {name!r}: {value!r} cannot be sent")
        lower = name.lower()
        if lower in _HOP_BY_HOP or (lower == "content-length" and not keep_length):
            continue
        lines.append(f"{lower}: {value}\r\n")
    return "".join(lines).encode("latin-1")
