"""What stands in for a collector: takes OTLP over HTTP, and can be in a bad way."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.servers import wait_until
from tests.telemetry.http_sink import HttpSink, closing


class OtlpSink(HttpSink):
    """What it takes is in `traces` and `metrics`."""

    def __init__(self, port: int | None = None) -> None:
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        super().__init__(port)

    def take(self, path: str, body: bytes) -> bytes:
        if path == "/v1/traces":
            self.traces.append(ExportTraceServiceRequest.FromString(body))
        elif path == "/v1/metrics":
            self.metrics.append(ExportMetricsServiceRequest.FromString(body))
        return b""

    def spans(self, name: str = "") -> list[Span]:
        """All that have come, or those of this name."""
        return [span for span in spans_of(*self.traces) if name in {"", span.name}]

    def wait_for_spans(self, name: str, count: int) -> list[Span]:
        """Waits until so many spans of a name have come, and returns them."""
        wait_until(lambda: len(self.spans(name)) >= count, f"{count} spans named {name}")
        return self.spans(name)

    def last_metrics(self) -> dict[str, Metric]:
        """What came last of metrics, by name."""
        return metrics_in(self.metrics[-1])

    def wait_for_metrics(self, posts: int = 1) -> dict[str, Metric]:
        """Waits until metrics have come so often, and returns the last."""
        wait_until(lambda: len(self.metrics) >= posts, f"metrics for the {posts}th time")
        return self.last_metrics()


def otlp_sink(port: int | None = None) -> AbstractContextManager[OtlpSink]:
    """A sink that is closed in the end."""
    return closing(OtlpSink(port))


def spans_of(*requests: ExportTraceServiceRequest) -> list[Span]:
    """All spans, all of the one resource that a server has."""
    return [
        span
        for request in requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def metrics_in(request: ExportMetricsServiceRequest) -> dict[str, Metric]:
    """All metrics by name."""
    (resource,) = request.resource_metrics
    (scope,) = resource.scope_metrics
    assert scope.scope.name == "scoreserve"
    found = {metric.name: metric for metric in scope.metrics}
    assert len(found) == len(scope.metrics)
    return found


def attributes(message: Resource | Any) -> dict[str, str | int]:
    """Those of a span, a resource or a data point."""
    found: list[KeyValue] = list(message.attributes)
    values = {each.key: getattr(each.value, str(each.value.WhichOneof("value"))) for each in found}
    assert len(values) == len(found)
    return values
