"""Tells telemetry of each answer, beside the access log. Only there where telemetry is on.

What every request with the same head has in common is made once for them (see `CachedHead`): a
record is a tuple of what the request and its reply know anyway.
"""

from __future__ import annotations

import time
from typing import Final

from scoreserve.front.messages.replies import Reply
from scoreserve.front.messages.request_heads import CachedHead
from scoreserve.front.observe.access_log import host_of, request_id_of
from scoreserve.front.observe.request_log import RequestLog
from scoreserve.front.observe.telemetry_feed import TelemetryFeed
from scoreserve.heads import RequestHead
from scoreserve.telemetry.records import HeadFields
from scoreserve.tracing import TRACEPARENT, TRACESTATE

_BEFORE_CLIENT_ID: Final = b"\r\nx-ms-client-request-id: "  # in the head of a reply
_END: Final = b"\r\n"
_NO_ID: Final = b""


class TelemetryLog(RequestLog):
    """Passes on what `log` is told. `answer_bytes`: so much of each body is told too."""

    def __init__(self, log: RequestLog, feed: TelemetryFeed, answer_bytes: int = 0) -> None:
        self._log = log
        self._feed = feed
        self._answer_bytes = answer_bytes

    def record(  # noqa: PLR0913 - all that is told of a request
        self,
        head: RequestHead,
        reply: Reply,
        seconds: float,
        *,
        api: bool,
        host: bytes = b"",
        request_id: bytes = b"",
    ) -> None:
        self._log.record(head, reply, seconds, api=api, host=host, request_id=request_id)
        if type(head) is CachedHead:
            fields = head.telemetry_fields
            if fields is None:
                fields = head.telemetry_fields = fields_of(head)
            brings_ids = head.brings_ids
        else:
            fields, brings_ids = fields_of(head), True
        self._feed.add(
            (
                fields,
                host or host_of(head.client),
                request_id or request_id_of(reply.head),
                _client_id_of(reply.head) if brings_ids else _NO_ID,
                reply.job_id,
                reply.status,
                time.time(),
                seconds,
                reply.total_seconds,
                reply.run_seconds,
                api,
                self._beginning(reply) if self._answer_bytes else b"",
                reply.length,
            )
        )

    def flush(self) -> None:
        self._log.flush()

    def _beginning(self, reply: Reply) -> bytes:
        """So much of the body as is told. A stream's is not known."""
        if reply.parts:
            return bytes(memoryview(reply.parts[0])[: self._answer_bytes])
        return reply.body[: self._answer_bytes]


def fields_of(head: RequestHead) -> tuple[bytes, ...]:
    """What is told of a head, as it is sent."""
    return tuple(
        HeadFields(
            head.method,
            head.path,
            head.query,
            head.http_version,
            head.scheme,
            head.header(b"host") or b"",
            head.header(b"user-agent") or b"",
            head.header(TRACEPARENT) or b"",
            head.header(TRACESTATE) or b"",
        )
    )


def _client_id_of(head: bytes) -> bytes:
    """The id of the client's own that the header lines of a reply tell it, if they do."""
    before = head.find(_BEFORE_CLIENT_ID)
    if before < 0:
        return _NO_ID
    start = before + len(_BEFORE_CLIENT_ID)
    return head[start : head.find(_END, start)]
