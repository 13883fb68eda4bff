"""Tells telemetry of each answer, beside the access log. Only there where telemetry is on.

What every request with the same head has in common is made once for them (see `CachedHead`): a
record is a tuple of what the request and its reply know anyway. It is made where somebody wants it
and there is room for it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from librt.time import time as wall_clock  # which, compiled, is no call of an object

from scoreserve.front.messages.replies import Reply
from scoreserve.front.messages.request_heads import CachedHead
from scoreserve.front.observe.access_log import host_of, request_id_of
from scoreserve.front.observe.durations import RequestDurations
from scoreserve.front.observe.request_log import RequestLog
from scoreserve.front.observe.telemetry_feed import TelemetryFeed
from scoreserve.heads import RequestHead
from scoreserve.telemetry.records import HeadFields
from scoreserve.tracing import TRACEPARENT, TRACESTATE, Sampler
from scoreserve.wire import beginning

_BEFORE_CLIENT_ID: Final = b"\r\nx-ms-client-request-id: "  # in the head of a reply
_END: Final = b"\r\n"
_NO_ID: Final = b""
_CHARACTER_BYTES: Final = 4  # of UTF-8, at most

_FIELDS = HeadFields._fields
_METHOD: Final = _FIELDS.index("method")
_TRACEPARENT: Final = _FIELDS.index("traceparent")
_ROUTE: Final = _FIELDS.index("route")


class Wanted(NamedTuple):
    """What of requests there is a use for. `every`: a record of each one. `answer_characters`: so
    many of its body are told too. `sampler`: which traces are recorded, where any are. `routes` are
    the paths of ours, `scored` those of them that make spans.
    """

    every: bool = False
    answer_characters: int = 0
    sampler: Sampler | None = None
    durations: RequestDurations | None = None
    routes: Collection[bytes] = ()
    scored: Collection[bytes] = ()


class TelemetryLog(RequestLog):
    """Passes on what `log` is told."""

    def __init__(self, log: RequestLog, feed: TelemetryFeed, wanted: Wanted) -> None:
        self._log = log
        self._feed = feed
        self._every = wanted.every
        self._answer_characters = wanted.answer_characters
        self._sampler = wanted.sampler
        self._durations = wanted.durations
        self._routes = frozenset(wanted.routes)
        self._scored = frozenset(wanted.scored)

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
                fields = head.telemetry_fields = self._fields_of(head)
            brings_ids = head.brings_ids
        else:
            fields, brings_ids = self._fields_of(head), True
        durations = self._durations
        if durations is not None:
            durations.observe(fields[_METHOD], fields[_ROUTE], reply.status, seconds)
        if not request_id:
            request_id = request_id_of(reply.head)
        now = wall_clock()
        traced = self._traces(fields, reply, request_id)
        if not (traced or self._every) or not self._feed.accepts():
            return
        if traced:  # and sent: an exemplar leads to a trace that is there
            reply.traced = (fields[_TRACEPARENT], request_id, reply.job_id, now)
        self._feed.add(
            (
                fields,
                host or host_of(head.client),
                request_id,
                _client_id_of(reply.head) if brings_ids else _NO_ID,
                reply.job_id,
                reply.status,
                now,
                seconds,
                reply.total_seconds,
                reply.run_seconds,
                api,
                self._beginning(reply) if self._answer_characters else b"",
                reply.length,
                traced,
                reply.batch,
            )
        )

    def flush(self) -> None:
        self._log.flush()

    def _traces(self, fields: tuple[bytes, ...], reply: Reply, request_id: bytes) -> bool:
        """Whether the request's trace is recorded."""
        sampler = self._sampler
        if sampler is None or (reply.job_id < 0 and fields[_ROUTE] not in self._scored):
            return False
        return sampler.samples(fields[_TRACEPARENT], request_id)

    def _fields_of(self, head: RequestHead) -> tuple[bytes, ...]:
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
                head.path if head.path in self._routes else b"",
            )
        )

    def _beginning(self, reply: Reply) -> bytes:
        """So much of the body as is told. A stream's is not known."""
        most = self._answer_characters
        found = beginning(reply.body, reply.parts, most * _CHARACTER_BYTES)
        # Most texts have one byte a character, or nearly.
        start = found[:most]
        return start if start.isascii() else found


def _client_id_of(head: bytes) -> bytes:
    """The id of the client's own that the header lines of a reply tell it, if they do."""
    before = head.find(_BEFORE_CLIENT_ID)
    if before < 0:
        return _NO_ID
    start = before + len(_BEFORE_CLIENT_ID)
    return head[start : head.find(_END, start)]
