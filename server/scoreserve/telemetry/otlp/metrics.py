"""The page of metrics as OTLP has metrics.

    counter, summary   Sum, monotonic, cumulative since counting began
    gauge, info        Gauge
    histogram          Histogram, cumulative; with its exemplars

Names are those of the samples on the page, so that what asks for them goes on to work, whichever
way they came. Only what is semconv's has semconv's own name, unit and attributes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from prometheus_client import Metric as Family
from prometheus_client.openmetrics import parser
from prometheus_client.samples import Sample

from scoreserve.telemetry.otlp.resource import SCOPE

_DURATION = "http_server_request_duration_seconds"
_DURATION_NAME = "http.server.request.duration"
_ATTRIBUTES = {
    "http_request_method": "http.request.method",
    "http_route": "http.route",
    "http_response_status_code": "http.response.status_code",
}
_SERVER_ERROR = 500
# By what a name ends with, before `_total`: https://ucum.org has the units.
_UNITS = {"_seconds": "s", "_bytes": "By"}
_CUMULATIVE = AggregationTemporality.CUMULATIVE

# It has no types.
_families: Callable[[str], Iterable[Family]] = parser.text_string_to_metric_families
Attributes = dict[str, str | int]


class Moment(NamedTuple):
    """When counting began and when it was looked at, in nanoseconds since the epoch."""

    since: int
    now: int


def metrics_of(page: bytes, moment: Moment, resource: Resource) -> MetricsData:
    """All that is on a page of OpenMetrics. Raises ValueError for what is none."""
    metrics = [
        metric for family in _families(page.decode()) for metric in _metrics_of(family, moment)
    ]
    scope = ScopeMetrics(SCOPE, metrics, schema_url="")
    return MetricsData([ResourceMetrics(resource, [scope], schema_url="")])


def _metrics_of(family: Family, moment: Moment) -> Iterator[Metric]:
    if not family.samples:
        return
    if family.type == "histogram":
        points = [_histogram(series, moment) for series in _by_series(family.samples)]
        name = _DURATION_NAME if family.name == _DURATION else family.name
        yield Metric(name, family.documentation, _unit(family.name), Histogram(points, _CUMULATIVE))
        return
    by_name: dict[str, list[NumberDataPoint]] = {}
    for sample in family.samples:
        point = NumberDataPoint(dict(sample.labels), moment.since, moment.now, float(sample.value))
        by_name.setdefault(sample.name, []).append(point)
    for name, numbers in by_name.items():
        counts = family.type in {"counter", "summary"}
        data = Sum(numbers, _CUMULATIVE, is_monotonic=True) if counts else Gauge(numbers)
        yield Metric(name, family.documentation, _unit(name), data)


def _by_series(samples: Sequence[Sample]) -> Iterator[list[Sample]]:
    """The samples of each histogram of a family, which are told apart by their labels."""
    found: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for sample in samples:
        labels = tuple((name, value) for name, value in sample.labels.items() if name != "le")
        found.setdefault(labels, []).append(sample)
    yield from found.values()


def _histogram(samples: Sequence[Sample], moment: Moment) -> HistogramDataPoint:
    buckets = [sample for sample in samples if sample.name.endswith("_bucket")]
    totals = [int(sample.value) for sample in buckets]  # each with all that is below
    sums = [sample.value for sample in samples if sample.name.endswith("_sum")]
    labels = {name: value for name, value in buckets[0].labels.items() if name != "le"}
    return HistogramDataPoint(
        _attributes(labels) if buckets[0].name == f"{_DURATION}_bucket" else labels,
        moment.since,
        moment.now,
        count=totals[-1],
        sum=sums[0] if sums else 0.0,
        bucket_counts=[totals[0], *(upper - lower for lower, upper in pairwise(totals))],
        explicit_bounds=[
            bound for bucket in buckets if (bound := float(bucket.labels["le"])) < math.inf
        ],
        min=None,  # type: ignore[arg-type] # which OTLP may do without, and nobody counts
        max=None,  # type: ignore[arg-type]
        exemplars=[*_exemplars(buckets)],
    )


def _exemplars(buckets: Iterable[Sample]) -> Iterator[Exemplar]:
    for bucket in buckets:
        exemplar = bucket.exemplar
        if exemplar is not None:
            yield Exemplar(
                {},
                exemplar.value,
                round(float(exemplar.timestamp or 0) * 1e9),
                span_id=int(exemplar.labels["span_id"], 16),
                trace_id=int(exemplar.labels["trace_id"], 16),
            )


def _attributes(labels: Mapping[str, str]) -> Attributes:
    """The labels of http.server.request.duration as the attributes that they stand for."""
    found: Attributes = {_ATTRIBUTES[name]: value for name, value in labels.items() if value}
    status = int(labels["http_response_status_code"])
    found["http.response.status_code"] = status
    found["url.scheme"] = "http"
    if status >= _SERVER_ERROR:
        found["error.type"] = str(status)
    return found


def _unit(name: str) -> str:
    for ending, unit in _UNITS.items():
        if name.removesuffix("_total").removesuffix("_sum").endswith(ending):
            return unit
    return ""
