"""Spans of requests, as they are sent."""

from __future__ import annotations

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.proto.trace.v1.trace_pb2 import Status as StatusMessage
from opentelemetry.sdk.resources import Resource

from scoreserve import tracing
from scoreserve.reports import NO_REQUEST, ScriptError
from scoreserve.telemetry.otlp.spans import SpanMaker
from scoreserve.telemetry.records import NO_JOB, RequestRecord
from tests.telemetry.otlp.otlp_sink import attributes, spans_of
from tests.telemetry.request_records import ENDED, record

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def maker() -> SpanMaker:
    return SpanMaker(Resource({"service.name": "mine"}))


def sent(maker: SpanMaker, *records: RequestRecord) -> list[Span]:
    """The spans of these requests, as they are on the wire."""
    return spans_of(encode_spans([span for each in records for span in maker.spans_of(each)]))


def seconds(span: Span) -> tuple[float, float]:
    """Beginning and end, from the request's end on."""
    ended = round(ENDED * 1e9)
    return (span.start_time_unix_nano - ended) / 1e9, (span.end_time_unix_nano - ended) / 1e9


def test_a_request_is_three_spans_that_say_where_its_time_went(maker: SpanMaker) -> None:
    server, queue, run = sent(maker, record())
    assert [span.name for span in (server, queue, run)] == ["POST /score", "queue", "run"]
    assert [seconds(span) for span in (server, queue, run)] == [
        (-0.25, 0.0),
        (-0.1875, -0.125),
        (-0.125, 0.0),
    ]
    assert [span.kind for span in (server, queue, run)] == [
        Span.SPAN_KIND_SERVER,
        *2 * [Span.SPAN_KIND_INTERNAL],
    ]


def test_their_ids_are_those_that_front_and_worker_give(maker: SpanMaker) -> None:
    server, queue, run = sent(maker, record())
    trace_id = tracing.trace_of(b"", b"an id").id
    assert {span.trace_id.hex() for span in (server, queue, run)} == {trace_id}
    assert server.span_id.hex() == tracing.server_span_id(b"an id", 7)
    assert queue.span_id.hex() == tracing.queue_span_id(b"an id", 7)
    assert run.span_id.hex() == tracing.run_span_id(b"an id", 7)
    assert server.parent_span_id == b""
    assert queue.parent_span_id == run.parent_span_id == server.span_id


def test_the_clients_span_is_the_parent(maker: SpanMaker) -> None:
    traceparent = f"00-{TRACE}-{SPAN}-01".encode()
    server, _, run = sent(maker, record(traceparent=traceparent, tracestate=b"a=b,c=d"))
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, SPAN)
    assert server.trace_state == run.trace_state == "a=b,c=d"
    assert run.trace_id.hex() == TRACE


def test_attributes_are_those_of_the_conventions_and_no_query(maker: SpanMaker) -> None:
    server, queue, run = sent(maker, record(query=b"key=secret"))
    assert attributes(server) == {
        "http.request.method": "POST",
        "http.route": "/score",
        "http.response.status_code": 200,
        "url.path": "/score",
        "url.scheme": "http",
        "server.address": "example.com",
        "server.port": 5001,
        "network.protocol.version": "1.1",
        "client.address": "192.0.2.1",
        "user_agent.original": "curl/8",
        "scoreserve.request_id": "an id",
    }
    assert not attributes(queue)
    assert not attributes(run)


@pytest.mark.parametrize(
    ("status", "failed"), [(200, False), (400, False), (429, False), (500, True), (502, True)]
)
def test_only_what_is_the_servers_fault_is_an_error(
    maker: SpanMaker, status: int, failed: bool
) -> None:
    server, queue, run = sent(maker, record(status=status))
    code = StatusMessage.STATUS_CODE_ERROR if failed else StatusMessage.STATUS_CODE_UNSET
    assert server.status.code == run.status.code == code
    assert queue.status.code == StatusMessage.STATUS_CODE_UNSET
    assert attributes(server).get("error.type") == (str(status) if failed else None)


def test_what_never_came_to_run_is_one_span(maker: SpanMaker) -> None:
    (server,) = sent(maker, record(status=503, job_seconds=0.5, run_seconds=0.0))
    assert attributes(server)["http.response.status_code"] == 503


def test_what_never_was_a_job_is_told_apart(maker: SpanMaker) -> None:
    """Clients may send the same id again and again."""
    refused = record(job_id=NO_JOB, status=401, job_seconds=0.0, run_seconds=0.0)
    full = refused._replace(job_id=0, status=503)
    spans = sent(maker, refused, refused, full, full)
    assert len({span.span_id for span in spans}) == 4
    assert len({span.trace_id for span in spans}) == 1


def test_requests_without_an_id_have_nothing_in_common(maker: SpanMaker) -> None:
    refused = record(job_id=NO_JOB, request_id=b"", status=431, job_seconds=0.0, run_seconds=0.0)
    spans = sent(maker, refused, refused)
    assert len({span.trace_id for span in spans}) == 2


def test_a_job_without_an_id_has_the_ids_that_its_worker_gives(maker: SpanMaker) -> None:
    """Clients may send an id that is empty."""
    server, _, run = sent(maker, record(request_id=b""))
    assert server.trace_id.hex() == tracing.trace_of(b"", b"").id
    assert run.span_id.hex() == tracing.run_span_id(b"", 7)


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        (b"example.com", "example.com", 80),
        (b"[::1]:5001", "::1", 5001),
        (b"[::1]", "::1", 80),
        (b"example.com:", "example.com", None),
        (b"example.com:\xb2", "example.com", None),
        (b"example.com:99999999", "example.com", None),
        (b"\xff\xfe:1", "\ufffd\ufffd", 1),
        (b"", None, None),
    ],
)
def test_any_host_that_clients_name(
    maker: SpanMaker, host: bytes, address: str | None, port: int | None
) -> None:
    told = attributes(sent(maker, record(host=host))[0])
    assert (told.get("server.address"), told.get("server.port")) == (address, port)


def test_whatever_clients_send_can_be_sent_on(maker: SpanMaker) -> None:
    garbage = bytes(range(1, 256))
    names = ("method", "path", "user_agent", "tracestate", "host", "traceparent")
    server, *_ = sent(maker, record(request_id=garbage, route=b"", **dict.fromkeys(names, garbage)))
    told = attributes(server)
    assert (server.name, told["http.request.method"]) == ("HTTP", "_OTHER")
    assert "http.route" not in told
    assert server.trace_state == ""


class TestBatches:
    BATCH = (b"first", 6, 3, 12)

    def test_requests_that_shared_a_run_lead_to_one_span_of_it(self, maker: SpanMaker) -> None:
        members = [record(job_id=job_id, batch=self.BATCH) for job_id in (6, 7, 8)]
        spans = sent(maker, *members)
        (batch,) = [span for span in spans if span.name == "batch"]
        runs = [span for span in spans if span.name == "run"]
        assert len(runs) == 3
        for run in runs:
            (link,) = run.links
            assert (link.trace_id, link.span_id) == (batch.trace_id, batch.span_id)
        assert batch.trace_id.hex() == tracing.batch_trace_id(b"first", 6)
        assert batch.span_id.hex() == tracing.batch_span_id(b"first", 6)
        assert not batch.parent_span_id
        assert seconds(batch) == (-0.125, 0.0)
        assert attributes(batch) == {
            "scoreserve.batch.requests": 3,
            "scoreserve.batch.rows": 12,
        }

    def test_rows_that_nobody_knows_are_not_told(self, maker: SpanMaker) -> None:
        spans = sent(maker, record(batch=(*self.BATCH[:3], 0)))
        assert attributes(spans[-1]) == {"scoreserve.batch.requests": 3}

    def test_another_batch_has_another_span(self, maker: SpanMaker) -> None:
        others = [record(batch=(b"first", job_id, 2, 0)) for job_id in (6, 9)]
        batches = [span for span in sent(maker, *others) if span.name == "batch"]
        assert len({span.trace_id for span in batches}) == 2

    def test_a_run_of_ones_own_has_no_link(self, maker: SpanMaker) -> None:
        assert not any(span.links for span in sent(maker, record()))


class TestErrors:
    ERROR = ScriptError(NO_REQUEST, ENDED - 0.0625, "ValueError", "no row", "Traceback …")

    def test_of_run_are_an_event_of_its_span(self, maker: SpanMaker) -> None:
        spans = maker.spans_of(record(status=500), self.ERROR)
        server, queue, run = spans_of(encode_spans([*spans]))
        assert not server.events
        assert not queue.events
        (event,) = run.events
        assert event.name == "exception"
        assert event.time_unix_nano == round((ENDED - 0.0625) * 1e9)
        assert attributes(event) == {
            "exception.type": "ValueError",
            "exception.message": "no row",
            "exception.stacktrace": "Traceback …",
        }

    def test_are_cut(self, maker: SpanMaker) -> None:
        long = self.ERROR._replace(message="m" * 100_000, traceback="s" * 100_000 + "end")
        *_, run = spans_of(encode_spans([*maker.spans_of(record(status=500), long)]))
        told = attributes(run.events[0])
        assert len(str(told["exception.message"])) == 1024
        assert len(str(told["exception.stacktrace"])) == 8192
        assert str(told["exception.stacktrace"]).endswith("end")
