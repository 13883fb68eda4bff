"""Requests as spans, of which the exporter makes rows of the table `requests`. Pure.

Names and values of properties are the reference's (azureml-inference-server-http 1.5.1,
server/appinsights_client.py), and with them what is asked of them by queries and dashboards.
"""

from __future__ import annotations

import codecs
import json
import os
from datetime import datetime, timezone
from urllib.parse import unquote_to_bytes

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from scoreserve import tracing
from scoreserve.app_insights import PROPERTY_CHARACTERS
from scoreserve.telemetry.azure.service import Service
from scoreserve.telemetry.records import RequestRecord

_FAILED_FROM = 400  # statuses
_ANY_HOST = "localhost"  # for a client of HTTP/1.0, which names none
_NO_TEXT = "Scoring request response payload is a non serializable object or raw binary"
_OK, _ERROR = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_ID_BYTES = 16


def span_of(record: RequestRecord, service: Service, *, with_answer: bool) -> ReadableSpan:
    """The span of a request; `with_answer`: with what it was answered."""
    # One whose id was refused has none. It must not share a trace with others.
    identity = record.request_id or os.urandom(_ID_BYTES)
    trace = tracing.trace_of(record.head.traceparent, identity)
    path = unquote_to_bytes(record.head.path).decode("utf-8", "replace")
    started = record.ended - record.seconds
    method = record.head.method.decode("latin-1")
    failed = record.status >= _FAILED_FROM
    attributes: dict[str, str | int] = {
        # The exporter makes the result of these, and tells them no further. Nor is it told the URL:
        # the request would be named after it, instead of by the path alone, as by the reference.
        "http.request.method": method,
        "http.response.status_code": record.status,
        "Container Id": service.container_id,
        "Request Id": record.request_id.decode("latin-1"),
        "Client Request Id": record.client_request_id.decode("latin-1"),
        "name": path,
        "url": url_of(record),
        "start_time": start_time(started),
        "duration": duration(record.seconds),
        "resultCode": str(record.status),
        "success": not failed,
        "http_method": method,
        "Workspace Name": service.workspace,
        "Service Name": service.name,
    }
    if with_answer:
        attributes["Response Value"] = answer_text(record.answer, record.answer_bytes)
    span_id = tracing.server_span_id(identity, record.job_id)
    return ReadableSpan(
        path,
        context=_context(trace.id, span_id),
        parent=_context(trace.id, trace.parent) if trace.parent else None,
        resource=service.resource,
        attributes=attributes,
        kind=SpanKind.SERVER,
        status=_ERROR if failed else _OK,
        start_time=nanoseconds(started),
        end_time=nanoseconds(record.ended),
    )


def shortened(record: RequestRecord) -> RequestRecord:
    """The record with no more of the answer than is sent: many may wait."""
    if len(record.answer) <= PROPERTY_CHARACTERS:
        return record
    answer = answer_text(record.answer, record.answer_bytes).encode()
    return record._replace(answer=answer, answer_bytes=len(answer))


def url_of(record: RequestRecord) -> str:
    """The whole URL that was asked for."""
    head = record.head
    query = b"?" + head.query if head.query else b""
    host = head.host or _ANY_HOST.encode()
    return (head.scheme + b"://" + host + head.path + query).decode("latin-1")


def start_time(seconds: float) -> str:
    """A time since the epoch as the reference writes it: `2026-11-30T18:36:41.199527Z`."""
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def duration(seconds: float) -> str:
    """A duration as the reference writes it: `00:00:00.001`, with the days before it, if any."""
    left, milliseconds = divmod(int(seconds * 1000), 1000)
    left, second = divmod(left, 60)
    left, minute = divmod(left, 60)
    days, hour = divmod(left, 24)
    text = f"{hour:02d}:{minute:02d}:{second:02d}.{milliseconds:03d}"
    return f"{days}.{text}" if days else text


def answer_text(beginning: bytes, length: int) -> str:
    """The answer whose body, of so many bytes, begins like this, as `Response Value`."""
    whole = len(beginning) == length
    try:
        # A character that is cut in two is no error.
        text = codecs.getincrementaldecoder("utf-8")().decode(beginning, final=whole)
    except UnicodeDecodeError:
        return json.dumps(_NO_TEXT)
    return text[:PROPERTY_CHARACTERS]


def nanoseconds(seconds: float) -> int:
    """A time as OpenTelemetry has it."""
    return int(seconds * 1e9)


def _context(trace_id: str, span_id: str) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=sampled)
