"""OpenTelemetry with the real server, before a collector of the tests' own."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scoreserve.tracing import trace_of
from tests.live.conftest import Serve
from tests.ports import free_port
from tests.scrapes import Page
from tests.servers import Server, wait_until
from tests.telemetry.http_sink import Answer
from tests.telemetry.otlp.otlp_sink import OtlpSink, attributes, otlp_sink

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
RECORDED, NOT_RECORDED = f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-00"
OPEN_METRICS = {"Accept": "application/openmetrics-text"}
NEVER_MS = "600000"

ECHO = "def init(): pass\ndef run(data): return data"

# It traces by itself, as a script would that knows nothing of the server's traces.
TRACING = """
import logging
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

def init():
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

def run(data):
    with trace.get_tracer("mine").start_as_current_span("features"):
        logging.warning("made features")
    if data == "bad":
        raise LookupError("no such row")
    return data
"""

# What a worker has loaded of it.
LOADED = """
import sys

def init(): pass

def run(data):
    ours = ("scoreserve.tracing", "scoreserve.telemetry")
    return [name for name in sys.modules if name.startswith(("opentelemetry", *ours))]
"""

BATCHED = """
from scoreserve import batched
from gates import reach, wait

def init(): pass

@batched(max_batch_size=8)
def run(inputs):
    if inputs == ["first"]:
        reach("first")
        wait("first")
    return inputs
"""


def environment(sink: OtlpSink, **more: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.origin,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "OTEL_METRIC_EXPORT_INTERVAL": NEVER_MS,
        **more,
    }


def lines_of(server: Server, word: str) -> list[Any]:
    """The JSON lines of the log with this word."""
    return [json.loads(line) for line in server.output.splitlines() if word in line]


def test_a_script_goes_on_with_the_trace_that_its_client_has_begun(serve: Serve) -> None:
    with otlp_sink() as sink:
        env = environment(sink, SCORESERVE_LOG_FORMAT="json", OTEL_SERVICE_NAME="digits")
        with serve(TRACING, env=env) as server:
            server.score("1", traceparent=NOT_RECORDED)
            server.score("2", traceparent=RECORDED)
            (span,) = sink.wait_for_spans("POST /score", 1)
            (features,) = sink.wait_for_spans("features", 1)
            (run,) = sink.wait_for_spans("run", 1)
            wait_until(lambda: len(lines_of(server, '"phases"')) == 2, "both are logged")
            said = lines_of(server, "made features")[-1]
            asked = lines_of(server, '"phases"')[-1]
            assert server.score("bad", traceparent=RECORDED).status == 500
            (raised,) = sink.wait_for_spans("run", 2)[1].events
        assert {each.trace_id.hex() for each in (span, run, features)} == {TRACE}
        assert span.parent_span_id.hex() == SPAN
        assert run.parent_span_id == span.span_id
        assert features.parent_span_id == run.span_id
        assert (said["trace_id"], said["span_id"]) == (TRACE, run.span_id.hex())
        assert (asked["trace_id"], asked["span_id"]) == (TRACE, span.span_id.hex())
        assert attributes(raised)["exception.type"] == "LookupError"
        assert attributes(raised)["exception.message"] == "no such row"
        assert "score.py" in str(attributes(raised)["exception.stacktrace"])
        resources = [each.resource_spans[0].resource for each in sink.traces]
        assert {attributes(each)["service.name"] for each in resources} == {"digits"}


@pytest.mark.parametrize("path_to_score", ["true", "false"], ids=["fast path", "ASGI path"])
def test_requests_without_a_trace_begin_one_by_their_id(serve: Serve, path_to_score: str) -> None:
    """What waits when the server ends is sent before that, the metrics too."""
    with otlp_sink() as sink:
        env = environment(
            sink, SCORESERVE_FAST_PATH=path_to_score, OTEL_BSP_SCHEDULE_DELAY=NEVER_MS
        )
        with serve(ECHO, env=env) as server:
            wait_until(lambda: "OpenTelemetry metrics go to" in server.output, "it can send them")
            request_id = server.score("1").headers["x-request-id"]
            assert server.get("/health/ready").status == 200
            assert server.send("PUT", "/score").reply().status == 405
            page = server.send("GET", "/metrics", headers=OPEN_METRICS).reply().body.decode()
        scored, refused = sink.spans("POST /score"), sink.spans("PUT /score")
        trace_id = trace_of(b"", request_id.encode()).id
        assert [span.trace_id.hex() for span in scored] == [trace_id]
        assert attributes(scored[0])["scoreserve.request_id"] == request_id
        assert attributes(refused[0])["http.response.status_code"] == 405
        assert f'trace_id="{trace_id}"' in page
        metrics = sink.last_metrics()
        by_route = {
            attributes(point)["http.route"]: point.count
            for point in metrics["http.server.request.duration"].histogram.data_points
            if attributes(point)["http.response.status_code"] == 200
        }
        assert by_route["/score"] == by_route["/health/ready"] == 1
        answered = metrics["scoreserve_requests_total"].sum.data_points
        assert sum(point.as_double for point in answered) >= 4


def test_requests_that_share_a_run_lead_to_its_batch(serve: Serve) -> None:
    with otlp_sink() as sink, serve(BATCHED, env=environment(sink)) as server:
        first = server.start_score("first")
        server.wait_reached("first")
        with ThreadPoolExecutor(4) as pool:
            others = [pool.submit(server.score, f"{number}") for number in range(4)]
            wait_until(lambda: scrape(server).value("queue_jobs") == 4, "they wait")
            server.open("first")
            ids = {each.result().headers["x-request-id"] for each in others}
        first.reply()
        (batch,) = sink.wait_for_spans("batch", 1)
        sink.wait_for_spans("run", 5)
        assert attributes(batch) == {"scoreserve.batch.requests": 4, "scoreserve.batch.rows": 4}
        linked = [run for run in sink.spans("run") if run.links]
        assert {run.links[0].span_id for run in linked} == {batch.span_id}
        traces = {trace_of(b"", each.encode()).id for each in ids}
        assert {run.trace_id.hex() for run in linked} == traces
        alone = [run for run in sink.spans("run") if not run.links]
        assert len(alone) == 1


def test_whatever_becomes_of_a_collector_requests_are_answered(serve: Serve) -> None:
    port = free_port()
    with otlp_sink(port) as sink:
        sink.answer = Answer(401)
        env = environment(sink, OTEL_METRICS_EXPORTER="none", OTEL_EXPORTER_OTLP_TIMEOUT="1")
        with serve(ECHO, env=env) as server:
            assert server.score("1").body == b'"1"'
            wait_until(lambda: dropped(server, "export_failed") == 1, "it is counted")
            sink.close()
            assert server.score("2").body == b'"2"'
            wait_until(lambda: dropped(server, "export_failed") == 2, "it is counted too")
            (process,) = server.processes("scoreserve.telemetry")
            os.kill(process, signal.SIGKILL)
            wait_until(
                lambda: server.processes("scoreserve.telemetry") not in ([], [process]),
                "another is there",
            )
            assert server.score("3").body == b'"3"'
            with otlp_sink(port) as well:
                wait_until(lambda: server.score("4").status == 200 and well.traces, "it is sent")
        assert server.output.count("telemetry is not taken") == 2  # by either process


def test_without_the_variables_there_is_nothing_of_it(serve: Serve) -> None:
    with serve(LOADED) as server:
        assert server.score("1").json() == []
        assert not scrape(server).series("telemetry_dropped_total")
        assert not server.processes("scoreserve.telemetry")


def scrape(server: Server) -> Page:
    return Page.parse(server.get("/metrics").body)


def dropped(server: Server, reason: str) -> float | None:
    return scrape(server).value("telemetry_dropped_total", reason=reason)
