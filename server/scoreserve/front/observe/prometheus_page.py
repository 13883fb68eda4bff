"""The page behind /metrics: what the front has counted, as Prometheus's families.

Imported at the first scrape, and prometheus-client with it: the start of a server need not wait for
an import that takes as long as ten scrapes. docs/monitoring/README.md says what each metric means.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from scoreserve import __version__
from scoreserve.front.observe import process_usage
from scoreserve.front.observe.counters import Histogram, Metrics
from scoreserve.front.observe.durations import RequestDurations
from scoreserve.front.observe.sources import Connection, Sources
from scoreserve.front.workers.snapshot import WorkersSnapshot

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = openmetrics.CONTENT_TYPE_LATEST.encode()
_render_open_metrics: Callable[[CollectorRegistry], bytes] = openmetrics.generate_latest

Bucket = tuple[str, float] | tuple[str, float, Exemplar]  # upper bound, all that is at most so much

# Series that are there from the first scrape: a counter that appears with its first event has, to
# Prometheus, not increased.
_SHED = ("queue_full", "queue_bytes", "deadline", "connections", "stopping", "client_gone")
_RELOADS = ("ok", "failed")


class PrometheusPage:
    """Renders the page, in Prometheus's text format or as OpenMetrics."""

    def __init__(self, sources: Sources) -> None:
        self._collector = FrontCollector(sources)
        self._registry = _registry(self._collector)

    def render(self, accept: bytes) -> tuple[bytes, bytes]:
        """(content type, page) for a scraper that accepts this."""
        if b"application/openmetrics-text" in accept:
            return OPEN_METRICS, _render_open_metrics(self._registry)
        return TEXT, generate_latest(self._registry)

    def render_with(self, durations: RequestDurations) -> bytes:
        """The page as OpenMetrics, and these with it."""
        return _render_open_metrics(_registry(self._collector, DurationsCollector(durations)))


def _registry(*collectors: Collector) -> CollectorRegistry:
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    return registry


class FrontCollector(Collector):
    """Folds the counters into families."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._worker_cpu_seconds = 0.0

    def describe(self) -> Iterable[Metric]:
        return ()  # else `collect` would be called to find out

    def collect(self) -> Iterator[Metric]:
        metrics, dispatch = self._sources.metrics, self._sources.dispatch
        snapshot = self._sources.snapshot()
        yield from self._requests(metrics)
        yield from _connections(self._sources.connections())
        yield _gauge("queue_jobs", "Jobs that wait for a worker.", dispatch.queued)
        yield _gauge(
            "queue_limit_jobs", "Jobs that may wait at present; 0: any number.", dispatch.limit
        )
        bodies = dispatch.bodies
        yield _gauge(
            "queue_bytes", "Bytes of request bodies that come or wait for a worker.", bodies.held
        )
        yield _gauge("queue_limit_bytes", "Bytes of request bodies that may.", bodies.limit)
        yield _gauge(
            "jobs_in_hand",
            "Jobs that wait for a worker, and those that workers hold.",
            dispatch.queued + dispatch.in_flight,
        )
        yield _counter(
            "requests_shed",
            "Requests refused or dropped before run() saw them.",
            "reason",
            dict.fromkeys(_SHED, 0) | metrics.shed,
        )
        yield CounterMetricFamily(
            "scoreserve_requests_abandoned",
            "Score requests whose client left before the answer.",
            value=metrics.abandoned,
        )
        if self._sources.telemetry is not None:
            yield _counter(
                "telemetry_dropped",
                "Records for Application Insights or OpenTelemetry that were not sent.",
                "reason",
                self._sources.telemetry.dropped,
            )
        yield from _batches(metrics)
        yield from self._workers(snapshot)
        yield from self._processes(snapshot)
        yield InfoMetricFamily(
            "scoreserve_build",
            "The server and the Python it runs on.",
            value={"version": __version__, "python": platform.python_version()},
        )

    def _requests(self, metrics: Metrics) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "scoreserve_requests", "Requests answered.", labels=["route", "method", "status"]
        )
        received = CounterMetricFamily(
            "scoreserve_request_bytes", "Bytes of request bodies.", labels=["route"]
        )
        sent = CounterMetricFamily(
            "scoreserve_response_bytes", "Bytes of response bodies.", labels=["route"]
        )
        for route, counters in metrics.routes.items():
            for (method, status), count in counters.answers.items():
                answers.add_metric([route, method.decode(), str(status)], count)
            if counters.answers:
                received.add_metric([route], counters.received_bytes)
                sent.add_metric([route], counters.sent_bytes)
        yield from (answers, received, sent)
        seconds = HistogramMetricFamily(
            "scoreserve_request_seconds", "Seconds of score requests, by phase.", labels=["phase"]
        )
        for phase, histogram in metrics.phases.histograms().items():
            seconds.add_metric([phase], _with_exemplars(histogram), histogram.sum)
        yield seconds

    def _workers(self, snapshot: WorkersSnapshot) -> Iterator[Metric]:
        ready = self._sources.is_ready()
        yield _gauge("ready", "1 while /health/ready answers 200, else 0.", int(ready))
        yield _gauge(
            "workers_configured",
            "Scoring workers that there should be.",
            self._sources.workers,
        )
        preload = snapshot.preload
        yield _gauge(
            "preload",
            "1 while workers are forked from a template, 0 while they are spawned.",
            int(preload is not None and preload.state == "on"),
        )
        workers = GaugeMetricFamily(
            "scoreserve_workers", "Scoring workers by state.", labels=["state"]
        )
        for state, count in snapshot.states.items():
            workers.add_metric([state], count)
        yield workers
        yield _counter(
            "worker_deaths",
            "Scoring workers that ended unasked.",
            "reason",
            snapshot.deaths,
        )
        yield SummaryMetricFamily(
            "scoreserve_init_seconds",
            "Seconds from the start of a worker to the end of init().",
            count_value=snapshot.inits,
            sum_value=snapshot.init_seconds_total,
        )
        yield _gauge(
            "init_last_seconds", "The same, of the latest worker.", snapshot.init_seconds_last
        )
        yield _counter(
            "reloads",
            "Reloads of the entry script.",
            "result",
            dict.fromkeys(_RELOADS, 0) | snapshot.reloads,
        )

    def _processes(self, snapshot: WorkersSnapshot) -> Iterator[Metric]:
        front = process_usage.usage([os.getpid()])
        workers = process_usage.usage(worker.pid for worker in snapshot.workers)
        if front is None or workers is None:
            return
        # One that is just being waited for may be missing from both: a counter must not go back.
        self._worker_cpu_seconds = max(
            self._worker_cpu_seconds,
            workers.cpu_seconds + process_usage.ended_children_cpu_seconds(),
        )
        yield _counter(
            "process_cpu_seconds",
            "CPU seconds used, ended workers included.",
            "process",
            {"front": time.process_time(), "worker": self._worker_cpu_seconds},
        )
        for name, help_text, values in (
            (
                "process_resident_memory_bytes",
                "Resident memory.",
                (front.resident_bytes, workers.resident_bytes),
            ),
            ("process_open_fds", "Open file descriptors.", (front.open_fds, workers.open_fds)),
        ):
            family = GaugeMetricFamily(f"scoreserve_{name}", help_text, labels=["process"])
            family.add_metric(["front"], values[0])
            family.add_metric(["worker"], values[1])
            yield family


class DurationsCollector(Collector):
    """http.server.request.duration, with its attributes as labels."""

    def __init__(self, durations: RequestDurations) -> None:
        self._durations = durations

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests.",
            labels=[
                "http_request_method",
                "http_route",
                "http_response_status_code",
            ],
        )
        for (method, route, status), histogram in self._durations.histograms.items():
            labels = [method.decode(), route.decode(), str(status)]
            family.add_metric(labels, _buckets(histogram), histogram.sum)
        yield family


def _connections(connections: Iterable[Connection]) -> Iterator[Metric]:
    in_flight = [connection.in_flight for connection in connections]
    yield _gauge("connections", "Open client connections.", len(in_flight))
    yield _gauge(
        "requests_in_flight", "Requests begun and not answered, this one included.", sum(in_flight)
    )


def _batches(metrics: Metrics) -> Iterator[Metric]:
    for name, unit, histogram in (
        ("batch_jobs", "Jobs", metrics.batch_jobs),
        ("batch_rows", "Rows", metrics.batch_rows),
    ):
        yield HistogramMetricFamily(
            f"scoreserve_{name}",
            f"{unit} in one merged call of run().",
            buckets=_buckets(histogram),
            sum_value=histogram.sum,
        )
    yield _counter(
        "batch_fallbacks", "Batches that were run one by one.", "reason", metrics.fallbacks
    )
    yield _counter("batch_fallback_jobs", "Jobs in those batches.", "reason", metrics.fallback_jobs)


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"scoreserve_{name}", help_text, value=value)


def _counter(
    name: str, help_text: str, label: str, values: Mapping[str, float]
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"scoreserve_{name}", help_text, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """As Prometheus has them: each with all that is at most its bound."""
    bounds = [*map(str, map(float, histogram.bounds)), "+Inf"]
    return list(zip(bounds, accumulate(histogram.counts), strict=True))


def _with_exemplars(histogram: Histogram) -> Sequence[Bucket]:
    """The buckets, those that a traced request fell into with the ids of its trace and span."""
    buckets: list[Bucket] = list(_buckets(histogram))
    if histogram.exemplars:
        from scoreserve import tracing

        for bucket, (value, traced) in histogram.exemplars.items():
            traceparent, request_id, job_id, when = traced
            ids = {
                "trace_id": tracing.trace_of(traceparent, request_id).id,
                "span_id": tracing.server_span_id(request_id, job_id),
            }
            buckets[bucket] = (*buckets[bucket][:2], Exemplar(ids, value, when))
    return buckets
