"""The histogram that OpenTelemetry has of every HTTP server: http.server.request.duration.

https://opentelemetry.io/docs/specs/semconv/http/http-metrics/ has its attributes and its bounds.
Only there where metrics go to OTLP. The number of series is bounded: routes are ours.
"""

from __future__ import annotations

from scoreserve.front.observe.counters import METHODS, Histogram

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_OTHER_METHOD = b"_OTHER"

Series = tuple[bytes, bytes, int]  # method, route, status


class RequestDurations:
    """Seconds of requests, by method, route and status."""

    def __init__(self) -> None:
        self.histograms: dict[Series, Histogram] = {}

    def observe(self, method: bytes, route: bytes, status: int, seconds: float) -> None:
        """A request was answered. `route` is one of ours, or empty."""
        if method not in METHODS:
            method = _OTHER_METHOD
        series = (method, route, status)
        histogram = self.histograms.get(series)
        if histogram is None:
            histogram = self.histograms[series] = Histogram(_BOUNDS)
        histogram.observe(seconds)
