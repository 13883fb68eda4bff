"""Requests as spans: ids, times and what the reference's properties say."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

from scoreserve import tracing
from scoreserve.telemetry.azure import request_spans
from scoreserve.telemetry.azure.service import Service
from scoreserve.telemetry.records import NO_JOB, RequestRecord
from tests.telemetry.request_records import ENDED, record

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def span_of(service: Service, record: RequestRecord) -> ReadableSpan:
    return request_spans.span_of(record, service, with_answer=True)


def ids_of(span: ReadableSpan) -> tuple[str, str, str]:
    """Of the trace, the span and its parent, in hexadecimal digits."""
    context, parent = span.get_span_context(), span.parent
    assert context is not None
    return (
        f"{context.trace_id:032x}",
        f"{context.span_id:016x}",
        "" if parent is None else f"{parent.span_id:016x}",
    )


def test_its_properties_are_the_references(service: Service) -> None:
    span = span_of(
        service,
        record(
            query=b"a=b%20c", client_request_id=b"mine", status=404, answer=b"{}", answer_bytes=2
        ),
    )
    assert span.name == "/score"
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.response.status_code": 404,
        "Container Id": "pod-1",
        "Request Id": "an id",
        "Client Request Id": "mine",
        "Response Value": "{}",
        "name": "/score",
        "url": "http://example.com:5001/score?a=b%20c",
        "start_time": "2023-11-14T22:13:20Z",
        "duration": "00:00:00.250",
        "resultCode": "404",
        "success": False,
        "http_method": "POST",
        "Workspace Name": "team",
        "Service Name": "digits",
    }


def test_it_took_the_time_that_it_took(service: Service) -> None:
    span = span_of(service, record(seconds=0.25))
    assert span.end_time == int(ENDED * 1e9)
    assert span.start_time == int((ENDED - 0.25) * 1e9)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, StatusCode.UNSET),
        (304, StatusCode.UNSET),
        (400, StatusCode.ERROR),
        (503, StatusCode.ERROR),
    ],
)
def test_it_has_failed_from_400_on(service: Service, status: int, code: StatusCode) -> None:
    assert span_of(service, record(status=status)).status.status_code is code


def test_it_goes_on_with_the_clients_trace(service: Service) -> None:
    span = span_of(service, record(traceparent=f"00-{TRACE}-{PARENT}-00".encode()))
    assert ids_of(span) == (TRACE, tracing.server_span_id(b"an id", 7), PARENT)


def test_without_one_its_trace_is_its_request_id(service: Service) -> None:
    uuid = b"4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
    span = span_of(service, record(request_id=uuid))
    assert ids_of(span) == (TRACE, tracing.server_span_id(uuid, 7), "")


def test_those_without_an_id_share_no_trace(service: Service) -> None:
    spans = [span_of(service, record(request_id=b"", job_id=NO_JOB)) for _ in range(2)]
    [one, other] = map(ids_of, spans)
    assert one[0] != other[0]
    assert one[1] != other[1]


def test_the_path_is_told_as_the_script_sees_it(service: Service) -> None:
    span = span_of(service, record(path=b"/v2/models/a%20%C3%BC/infer"))
    assert span.name == "/v2/models/a \u00fc/infer"


def test_an_answer_is_told_only_if_it_is_wanted(service: Service) -> None:
    span = request_spans.span_of(record(), service, with_answer=False)
    assert "Response Value" not in (span.attributes or {})


@pytest.mark.parametrize(
    ("beginning", "length", "text"),
    [
        (b"", 0, ""),
        ("grün".encode(), 5, "grün"),
        (b"x" * 9000, 9000, "x" * 8192),
        ("x\u00e4".encode()[:2], 3, "x"),
        (
            b"\xff\xd8",
            2,
            '"Scoring request response payload is a non serializable object or raw binary"',
        ),
        (
            b"cut in a character \xc3",
            20,
            '"Scoring request response payload is a non serializable object or raw binary"',
        ),
    ],
)
def test_the_answer_is_its_text(beginning: bytes, length: int, text: str) -> None:
    assert request_spans.answer_text(beginning, length) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "00:00:00.000"),
        (0.0019, "00:00:00.001"),
        (61.5, "00:01:01.500"),
        (3600.0, "01:00:00.000"),
        (90_000.25, "1.01:00:00.250"),
    ],
)
def test_a_duration_is_written_as_by_the_reference(seconds: float, text: str) -> None:
    assert request_spans.duration(seconds) == text


def test_a_start_is_written_as_by_the_reference() -> None:
    assert request_spans.start_time(1_700_000_000.25) == "2023-11-14T22:13:20.250000Z"


def test_a_client_of_http_1_0_names_no_host(service: Service) -> None:
    assert request_spans.url_of(record(host=b"")) == "http://localhost/score"


@pytest.mark.parametrize(
    "answer", [b"x" * 32_768, b"short", "\u00e4".encode() * 9000, b"\xff" * 9000]
)
def test_no_more_of_an_answer_waits_than_is_sent(answer: bytes) -> None:
    whole = record(answer=answer, answer_bytes=100_000)
    short = request_spans.shortened(whole)
    sent = request_spans.answer_text(answer, 100_000)
    assert request_spans.answer_text(short.answer, short.answer_bytes) == sent
    assert len(short.answer) == len(sent.encode())
