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
        self._method = self._route = b""  # of the last request: mostly the next is like it
        self._status = 0
        self._last = Histogram(_BOUNDS)

    def observe(self, method: bytes, route: bytes, status: int, seconds: float) -> None:
        """A request was answered. `route` is one of ours, or empty."""
        if method != self._method or route != self._route or status != self._status:
            self._last = self._histogram(method, route, status)
            self._method, self._route, self._status = method, route, status
        self._last.observe(seconds)

    def _histogram(self, method: bytes, route: bytes, status: int) -> Histogram:
        series = (method if method in METHODS else _OTHER_METHOD, route, status)
        if series not in self.histograms:
            self.histograms[series] = Histogram(_BOUNDS)
        return self.histograms[series]
