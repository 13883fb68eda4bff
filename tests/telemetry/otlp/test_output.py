"""The output before a collector that is well, and before one that is not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Protocol

import pytest

from scoreserve import tracing
from scoreserve.reports import NO_REQUEST, ScriptError
from scoreserve.settings import Settings
from scoreserve.telemetry.otlp import output as otlp
from scoreserve.telemetry.otlp.output import OtlpOutput
from scoreserve.telemetry.switches import Switches
from tests.ports import free_port
from tests.servers import wait_until
from tests.telemetry.http_sink import Answer
from tests.telemetry.otlp.otlp_sink import OtlpSink, attributes, otlp_sink
from tests.telemetry.request_records import record

PAGE = b"# TYPE scoreserve_a counter\nscoreserve_a_total 3.0\n# EOF\n"


class Open(Protocol):
    """Opens an output, in an environment with these variables. It is closed in the end."""

    def __call__(self, endpoint: str, **environ: str) -> OtlpOutput: ...


@pytest.fixture
def opened(
    monkeypatch: pytest.MonkeyPatch,
    server_log: pytest.LogCaptureFixture,
    library: None,
) -> Iterator[Open]:
    outputs: list[OtlpOutput] = []

    def opened(endpoint: str, **more: str) -> OtlpOutput:
        environ = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
            "OTEL_BSP_SCHEDULE_DELAY": "20",
            **more,
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        outputs.extend(otlp.opened(Switches(traces=True, metrics=True), Settings(), environ))
        return outputs[-1]

    yield opened
    for output in outputs:
        output.close(0.0)


def dropped(output: OtlpOutput, reason: str, count: int) -> None:
    """Waits until so many were dropped for this reason, and none for another."""
    found = output.take_dropped()

    def all_of_them() -> bool:
        found.update(output.take_dropped())
        return found[reason] >= count

    wait_until(all_of_them, f"{count} are dropped: {reason}")
    assert found == {reason: count}


def test_requests_and_metrics_go_where_the_variables_say(opened: Open, sink: OtlpSink) -> None:
    output = opened(
        sink.origin,
        OTEL_EXPORTER_OTLP_HEADERS="x-key=secret",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
    )
    output.request(record())
    output.metrics(9.5, PAGE)
    sink.wait_for_spans("POST /score", 1)
    metric = sink.wait_for_metrics()["scoreserve_a_total"]
    assert metric.sum.data_points[0].start_time_unix_nano == 9_500_000_000
    assert {path for path, _ in sink.requests} == {"/v1/traces", "/v1/metrics"}
    assert all(headers["x-key"] == "secret" for _, headers in sink.requests)
    assert all(headers["content-encoding"] == "gzip" for _, headers in sink.requests)


def test_they_are_of_the_servers_resource(
    opened: Open, sink: OtlpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_SERVICE_NAME", raising=False)
    output = opened(
        sink.origin,
        HOSTNAME="pod-1",
        OTEL_RESOURCE_ATTRIBUTES="k8s.pod.name=pod-1,service.version=7",
    )
    output.request(record())
    output.metrics(9.5, PAGE)
    sink.wait_for_spans("run", 1)
    sink.wait_for_metrics()
    for resource in (
        sink.traces[0].resource_spans[0].resource,
        sink.metrics[0].resource_metrics[0].resource,
    ):
        told = attributes(resource)
        assert told["service.name"] == "ML service"
        assert told["service.instance.id"] == told["k8s.pod.name"] == "pod-1"
        assert told["service.version"] == "7"


def test_a_name_for_telemetry_alone_goes_before_the_services(opened: Open, sink: OtlpSink) -> None:
    output = opened(sink.origin, OTEL_SERVICE_NAME="digits")
    output.request(record())
    sink.wait_for_spans("run", 1)
    assert attributes(sink.traces[0].resource_spans[0].resource)["service.name"] == "digits"


def test_a_request_that_is_not_traced_is_not_sent(opened: Open, sink: OtlpSink) -> None:
    output = opened(sink.origin)
    output.request(record(traced=False, request_id=b"first"))
    output.request(record(request_id=b"second"))
    (span,) = sink.wait_for_spans("POST /score", 1)
    assert attributes(span)["scoreserve.request_id"] == "second"
    assert not output.take_dropped()


def test_what_a_script_raises_goes_with_its_request(opened: Open, sink: OtlpSink) -> None:
    output = opened(sink.origin)
    for number in range(600):  # more than it keeps of those that nobody comes for
        about = NO_REQUEST._replace(span_id=tracing.run_span_id(b"%d" % number, 7))
        output.report(ScriptError(about, 9.5, "ValueError", str(number), ""))
    output.report(ScriptError(NO_REQUEST, 9.5, "ValueError", "in init()", ""))
    for number in (343, 344, 599):  # the oldest is gone
        output.request(record(request_id=b"%d" % number, status=500))
    runs = sink.wait_for_spans("run", 3)
    told = [attributes(event)["exception.message"] for run in runs for event in run.events]
    assert told == ["344", "599"]


def test_a_queue_has_room_for_one_at_least(opened: Open, sink: OtlpSink) -> None:
    output = opened(
        sink.origin, OTEL_BSP_MAX_QUEUE_SIZE="0.5", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="0.5"
    )
    output.request(record())
    sink.wait_for_spans("run", 1)


def test_what_waits_is_sent_in_the_end(opened: Open, sink: OtlpSink) -> None:
    output = opened(sink.origin, OTEL_BSP_SCHEDULE_DELAY="600000")
    output.request(record())
    output.metrics(9.5, PAGE)
    output.close(time.monotonic() + 30)
    assert sink.spans("POST /score")
    assert sink.metrics


def test_a_collector_that_is_gone_keeps_nobody_from_leaving(opened: Open) -> None:
    output = opened(
        f"http://127.0.0.1:{free_port()}",
        OTEL_EXPORTER_OTLP_TIMEOUT="600",
        OTEL_BSP_SCHEDULE_DELAY="600000",
    )
    output.request(record())
    output.metrics(9.5, PAGE)
    output.close(time.monotonic() + 600)
    dropped(output, "export_failed", 2)


@pytest.mark.parametrize("status", [400, 401, 404, 413])
def test_what_is_refused_is_dropped_and_said_once(
    opened: Open,
    sink: OtlpSink,
    server_log: pytest.LogCaptureFixture,
    status: int,
) -> None:
    sink.answer = Answer(status)
    output = opened(sink.origin, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="1")
    for _ in range(3):
        output.request(record())
    dropped(output, "export_failed", 3)
    assert server_log.text.count("OpenTelemetry traces: ") == 2  # why, and that it is dropped
    assert str(status) in server_log.text
    sink.answer = Answer()
    output.request(record())
    sink.wait_for_spans("POST /score", 1)
    wait_until(lambda: "telemetry is sent again" in server_log.text, "it is said to be well")


@pytest.mark.parametrize(
    "answer",
    [Answer(503), Answer(429, {"Retry-After": "60"}), Answer(seconds=60.0)],
    ids=["unavailable", "too many", "slow"],
)
def test_while_it_waits_the_queue_fills_and_no_more(
    opened: Open, sink: OtlpSink, answer: Answer
) -> None:
    sink.answer = answer
    output = opened(
        sink.origin,
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        OTEL_BSP_MAX_QUEUE_SIZE="4",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4",
    )
    output.request(record())
    wait_until(lambda: sink.posts, "it is asked")
    for _ in range(4):
        assert output.has_room()
        output.request(record())
    assert not output.has_room()
    output.request(record())
    found = output.take_dropped()
    wait_until(
        lambda: found.update(output.take_dropped()) or found["export_failed"] >= 1, "it ends"
    )
    assert found["queue_full"] == 1
    sink.answer = Answer()
    wait_until(output.has_room, "there is room again")
    output.request(record(request_id=b"last"))
    sink.wait_for_spans("POST /score", 1)


def test_one_that_is_gone_and_comes_back(
    opened: Open, server_log: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    output = opened(
        f"http://127.0.0.1:{port}",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="1",
    )
    output.request(record())
    dropped(output, "export_failed", 1)
    with otlp_sink(port) as sink:
        output.request(record())
        sink.wait_for_spans("POST /score", 1)
    assert server_log.text.count("OpenTelemetry traces: ") >= 2


def test_a_page_that_is_none_is_dropped(opened: Open, sink: OtlpSink) -> None:
    output = opened(sink.origin)
    output.metrics(9.5, b"nonsense {")
    dropped(output, "export_failed", 1)
    output.metrics(9.5, PAGE)
    sink.wait_for_metrics()


@pytest.mark.parametrize(
    "environ",
    [{"OTEL_EXPORTER_OTLP_TIMEOUT": "soon"}, {"OTEL_EXPORTER_OTLP_COMPRESSION": "best"}],
    ids=["timeout", "compression"],
)
def test_variables_that_say_nothing_leave_it_off_or_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
    server_log: pytest.LogCaptureFixture,
    library: None,
    environ: Mapping[str, str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = otlp.opened(Switches(traces=True), Settings(), environ)
    for output in found:
        output.close(0.0)
    assert found or "OpenTelemetry is off" in server_log.text


def test_where_it_goes_is_said_without_what_is_secret(
    opened: Open, sink: OtlpSink, server_log: pytest.LogCaptureFixture
) -> None:
    opened(f"http://user:secret@127.0.0.1:{sink.port}/path?key=secret")
    assert f"OpenTelemetry traces go to http://127.0.0.1:{sink.port}" in server_log.text
    assert "secret" not in server_log.text


@pytest.mark.parametrize("endpoint", ["localhost:4318", "grpc://localhost:4317", "http:///v1"])
def test_what_is_no_address_is_told_with_its_variable(
    opened: Open, server_log: pytest.LogCaptureFixture, endpoint: str
) -> None:
    output = opened(endpoint)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT must be an address that begins with" in server_log.text
    output.request(record())
    dropped(output, "export_failed", 1)
