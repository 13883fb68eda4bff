"""The page of metrics, as OTLP has it."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from opentelemetry.sdk.resources import Resource

from scoreserve.front.observe.durations import RequestDurations
from scoreserve.telemetry.otlp.metrics import Moment, metrics_of
from scoreserve.tracing import server_span_id
from tests.front.conftest import FakeFront
from tests.front.fakes import Exchange
from tests.scrapes import parse_open_metrics
from tests.telemetry.otlp.otlp_sink import attributes, metrics_in

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MOMENT = Moment(since=1_000, now=2_000)


class Telemetry:
    """What the page looks at where telemetry is on."""

    dropped: ClassVar = {"queue_full": 5}


@pytest.fixture
def page() -> bytes:
    """One with a scored request in every histogram of phases, as the front sends it."""
    front, durations = FakeFront(Telemetry()), RequestDurations()
    front.attach()
    asyncio.run(front.score(Exchange()))
    traceparent = f"00-{TRACE}-00f067aa0ba902b7-01".encode()
    front.metrics.phases.observe(0.5, 0.25, (traceparent, b"an id", 7, 9.5))
    durations.observe(b"POST", b"/score", 200, 0.05)
    durations.observe(b"POST", b"/score", 200, 60.0)
    durations.observe(b"POST", b"/score", 502, 0.5)
    durations.observe(b"GET", b"", 404, 0.5)
    return asyncio.run(front.parts.metrics_page.made()).render_with(durations)


@pytest.fixture
def metrics(page: bytes) -> dict[str, Metric]:
    """What is sent of it, by name."""
    return metrics_in(encode_metrics(metrics_of(page, MOMENT, Resource({}))))


def points(metric: Metric) -> Any:
    return getattr(metric, str(metric.WhichOneof("data"))).data_points


def test_every_sample_of_the_page_is_sent_by_its_name(
    page: bytes, metrics: dict[str, Metric]
) -> None:
    families = [family for family in parse_open_metrics(page.decode()) if family.samples]
    ours = [family for family in families if family.name.startswith("scoreserve_")]
    names = {
        sample.name if family.type != "histogram" else family.name
        for family in ours
        for sample in family.samples
    }
    assert metrics.keys() == {*names, "http.server.request.duration"}
    assert len(names) > 25


def test_counters_are_cumulative_sums(metrics: dict[str, Metric]) -> None:
    metric = metrics["scoreserve_requests_total"]
    assert metric.description == "Requests answered."
    assert metric.sum.is_monotonic
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    assert metric.sum.aggregation_temporality == cumulative
    (point,) = metric.sum.data_points
    assert attributes(point) == {"route": "/score", "method": "POST", "status": "200"}
    assert point.as_double == 1.0
    assert (point.start_time_unix_nano, point.time_unix_nano) == MOMENT


def test_gauges_are_gauges(metrics: dict[str, Metric]) -> None:
    points = metrics["scoreserve_workers"].gauge.data_points
    assert {attributes(point)["state"]: point.as_double for point in points}["ready"] == 1.0
    assert metrics["scoreserve_build_info"].gauge.data_points[0].as_double == 1.0


def test_a_summary_is_two_sums(metrics: dict[str, Metric]) -> None:
    count, total = metrics["scoreserve_init_seconds_count"], metrics["scoreserve_init_seconds_sum"]
    assert (count.sum.data_points[0].as_double, count.unit) == (1.0, "")
    assert (total.sum.data_points[0].as_double, total.unit) == (0.5, "s")


def test_histograms_have_what_is_in_each_bucket(metrics: dict[str, Metric]) -> None:
    metric = metrics["scoreserve_request_seconds"]
    of_phase = {attributes(point)["phase"]: point for point in metric.histogram.data_points}
    assert of_phase.keys() == {"queue", "run", "total"}
    run = of_phase["run"]
    assert (run.count, run.sum) == (2, 1.25)  # a second, of the fake worker, and a quarter
    assert sum(run.bucket_counts) == run.count
    assert len(run.bucket_counts) == len(run.explicit_bounds) + 1
    bounds = list(run.explicit_bounds)
    assert run.bucket_counts[bounds.index(0.25)] == run.bucket_counts[bounds.index(1.0)] == 1
    assert not {"min", "max"} & {field.name for field, _ in run.ListFields()}


def test_exemplars_lead_to_a_trace(metrics: dict[str, Metric]) -> None:
    exemplars = [
        exemplar
        for point in metrics["scoreserve_request_seconds"].histogram.data_points
        for exemplar in point.exemplars
    ]
    assert sorted(exemplar.as_double for exemplar in exemplars) == [0.25, 0.25, 0.5]
    for exemplar in exemplars:
        assert exemplar.trace_id.hex() == TRACE
        assert exemplar.span_id.hex() == server_span_id(b"an id", 7)
        assert exemplar.time_unix_nano == 9_500_000_000


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("scoreserve_request_seconds", "s"),
        ("scoreserve_process_cpu_seconds_total", "s"),
        ("scoreserve_request_bytes_total", "By"),
        ("scoreserve_requests_total", ""),
        ("scoreserve_ready", ""),
    ],
)
def test_units_are_those_that_names_end_with(
    metrics: dict[str, Metric], name: str, unit: str
) -> None:
    assert metrics[name].unit == unit


def test_durations_are_as_the_conventions_have_them(metrics: dict[str, Metric]) -> None:
    metric = metrics["http.server.request.duration"]
    assert metric.unit == "s"
    by_status = {attributes(each)["http.response.status_code"]: each for each in points(metric)}
    assert attributes(by_status[200]) == {
        "http.request.method": "POST",
        "http.route": "/score",
        "http.response.status_code": 200,
        "url.scheme": "http",
    }
    assert (by_status[200].count, by_status[200].sum) == (2, 60.05)
    assert by_status[200].bucket_counts[-1] == 1
    assert attributes(by_status[502])["error.type"] == "502"
    assert "http.route" not in attributes(by_status[404])


def test_what_was_dropped_is_told_too(metrics: dict[str, Metric]) -> None:
    (point,) = metrics["scoreserve_telemetry_dropped_total"].sum.data_points
    assert (attributes(point), point.as_double) == ({"reason": "queue_full"}, 5.0)
