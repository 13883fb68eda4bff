"""Spans of requests that were scored, made of what the front tells of each.

    POST /score   SERVER, the child of the client's span, if it has sent a traceparent
    ├── queue     it waited for a worker
    └── run       its run(), and what it raised ··link··→ batch   where it was for several requests

Names of attributes: https://opentelemetry.io/docs/specs/semconv/http/http-spans/; those that begin
with `scoreserve.` are ours.
"""

from __future__ import annotations

import itertools
import uuid
from collections import deque
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from scoreserve import tracing
from scoreserve.reports import ScriptError
from scoreserve.telemetry.otlp.resource import SCOPE
from scoreserve.telemetry.records import NO_BATCH, Batch, HeadFields, RequestRecord

_METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})
_SERVER_ERROR = 500
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_KNOWN_HEADS = 1024
_KNOWN_BATCHES = 1024  # whose spans were made, lately
_MESSAGE_CHARACTERS, _STACK_CHARACTERS = 1024, 8192  # of what was raised, so many are sent
_PORTS = {"http": 80, "https": 443}

Attributes = dict[str, str | int]


class _Told(NamedTuple):
    """What all requests with one head have in common."""

    name: str
    attributes: Attributes
    state: TraceState


class SpanMaker:
    """Makes the spans of this `resource`."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        # Of what never was a job, each has a number that no job has.
        self._no_jobs = itertools.count(-2, -1)
        self._batches: deque[tuple[bytes, int]] = deque(maxlen=_KNOWN_BATCHES)

    def spans_of(
        self, record: RequestRecord, error: ScriptError | None = None
    ) -> Iterator[ReadableSpan]:
        """The spans of a request, that of the whole first. `error` is what its run() has raised."""
        request_id, job_id = record.request_id, record.job_id
        if job_id <= 0:  # no worker has given ids to any span of it
            request_id, job_id = request_id or uuid.uuid4().bytes, next(self._no_jobs)
        told = _told(record.head)
        trace = tracing.trace_of(record.head.traceparent, request_id)
        trace_id = int(trace.id, 16)
        server = _context(trace_id, tracing.server_span_id(request_id, job_id), told.state)
        failed = record.status >= _SERVER_ERROR
        ended = _nanoseconds(record.ended)
        yield ReadableSpan(
            told.name,
            server,
            _remote(trace_id, trace.parent, told.state) if trace.parent else None,
            self._resource,
            _attributes(told, record),
            kind=SpanKind.SERVER,
            status=_ERROR if failed else _UNSET,
            start_time=ended - _nanoseconds(record.seconds),
            end_time=ended,
            instrumentation_scope=SCOPE,
        )
        if not record.run_seconds:  # it never came to run(), or nobody knows when
            return
        began = ended - _nanoseconds(record.run_seconds)
        queue = tracing.queue_span_id(request_id, job_id)
        queued = min(ended - _nanoseconds(record.job_seconds), began)
        yield self._part("queue", _context(trace_id, queue, told.state), server, queued, began)
        context = _context(trace_id, tracing.run_span_id(request_id, job_id), told.state)
        links = () if record.batch == NO_BATCH else (Link(_batch_context(record.batch)),)
        events = () if error is None else (_event(error),)
        status = _ERROR if failed else _UNSET
        yield self._part("run", context, server, began, ended, links, events, status)
        if links and record.batch[:2] not in self._batches:
            self._batches.append(record.batch[:2])
            yield self._batch(record.batch, began, ended)

    def _part(  # noqa: PLR0913, PLR0917 - a field each
        self,
        name: str,
        context: SpanContext,
        parent: SpanContext,
        start: int,
        end: int,
        links: Sequence[Link] = (),
        events: Sequence[Event] = (),
        status: Status = _UNSET,
    ) -> ReadableSpan:
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            events=events,
            links=links,
            status=status,
            start_time=start,
            end_time=end,
            instrumentation_scope=SCOPE,
        )

    def _batch(self, batch: Batch, start: int, end: int) -> ReadableSpan:
        _, _, requests, rows = batch
        attributes = {"scoreserve.batch.requests": requests}
        if rows:
            attributes["scoreserve.batch.rows"] = rows
        return ReadableSpan(
            "batch",
            _batch_context(batch),
            None,
            self._resource,
            attributes,
            start_time=start,
            end_time=end,
            instrumentation_scope=SCOPE,
        )


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


def _context(trace_id: int, span_id: str, state: TraceState) -> SpanContext:
    return SpanContext(trace_id, int(span_id, 16), False, _SAMPLED, state)


def _remote(trace_id: int, span_id: str, state: TraceState) -> SpanContext:
    return SpanContext(trace_id, int(span_id, 16), True, _SAMPLED, state)


def _event(error: ScriptError) -> Event:
    """https://opentelemetry.io/docs/specs/semconv/exceptions/exceptions-spans/"""
    attributes = {
        "exception.type": error.type_name,
        "exception.message": error.message[:_MESSAGE_CHARACTERS],
        "exception.stacktrace": error.traceback[-_STACK_CHARACTERS:],  # its end says most
    }
    return Event("exception", attributes, _nanoseconds(error.time))


def _batch_context(batch: Batch) -> SpanContext:
    request_id, job_id = batch[:2]
    trace_id = int(tracing.batch_trace_id(request_id, job_id), 16)
    return _context(trace_id, tracing.batch_span_id(request_id, job_id), TraceState())


def _attributes(told: _Told, record: RequestRecord) -> Attributes:
    attributes = told.attributes | {
        "http.response.status_code": record.status,
        "client.address": _text(record.client),
        "scoreserve.request_id": _text(record.request_id),
    }
    if record.status >= _SERVER_ERROR:
        attributes["error.type"] = str(record.status)
    return attributes


@lru_cache(_KNOWN_HEADS)
def _told(head: HeadFields) -> _Told:
    """What a head says. Clients that keep their connection send the same with each request."""
    method, scheme = _text(head.method), _text(head.scheme)
    known = method in _METHODS
    attributes: Attributes = {
        "http.request.method": method if known else "_OTHER",
        "url.path": _text(head.path),
        "url.scheme": scheme,
        "network.protocol.version": _text(head.http_version),
    }
    if not known:
        attributes["http.request.method_original"] = method
    if head.route:
        attributes["http.route"] = _text(head.route)
    if head.host:
        address, port = _address(_text(head.host), _PORTS.get(scheme, 0))
        attributes["server.address"] = address
        if port:
            attributes["server.port"] = port
    if head.user_agent:
        attributes["user_agent.original"] = _text(head.user_agent)
    name = f"{method if known else 'HTTP'} {_text(head.route)}".rstrip()
    return _Told(name, attributes, TraceState.from_header([_text(head.tracestate)]))


def _address(host: str, port: int) -> tuple[str, int]:
    """Name and port of a Host header: `name:port`, `name`, `[::1]:port`. 0: none is known."""
    name, colon, number = host.rpartition(":")
    if not colon or number.endswith("]"):
        return host.strip("[]"), port
    digits = number.isascii() and number.isdigit()
    return name.strip("[]"), int(number) if digits and len(number) <= len("65535") else 0


def _text(sent: bytes) -> str:
    """What a client has sent, as OTLP takes it: UTF-8."""
    return sent.decode("utf-8", "replace")
