"""The output that sends to an OTLP endpoint.

ScriptError ──┐
RequestRecord ┴→ queue ═ thread: spans   ─→ OTLPSpanExporter   ─→ …/v1/traces
METRICS page  ─→ queue ═ thread: metrics ─→ OTLPMetricExporter ─→ …/v1/metrics

The exporters read for themselves where to send to, and how: OTEL_EXPORTER_OTLP_ENDPOINT, _HEADERS,
_TIMEOUT, _COMPRESSION, _CERTIFICATE and their forms for one signal.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource

from scoreserve import tracing
from scoreserve.otel_environment import METRICS, TRACES, positive_number
from scoreserve.reports import Report, ScriptError
from scoreserve.settings import Settings
from scoreserve.telemetry.export_queue import ExportQueue
from scoreserve.telemetry.otlp.certificates import session_for
from scoreserve.telemetry.otlp.metrics import Moment, metrics_of
from scoreserve.telemetry.otlp.resource import resource_of
from scoreserve.telemetry.otlp.sending import LastWords, Sending
from scoreserve.telemetry.otlp.spans import SpanMaker
from scoreserve.telemetry.records import RequestRecord
from scoreserve.telemetry.switches import Switches

_DEFAULT_ENDPOINT = "http://localhost:4318"
# The SDK's own for spans, of which a request has up to three; here they count requests.
_MOST_WAITING, _BATCH_REQUESTS, _DELAY_MS = 2048.0, 512.0, 5000.0
_MOST_ERRORS = 256  # that wait for their requests, which come in the same turn or the next
_MOST_PAGES = 4  # of metrics that wait: each has all that was counted
_LIBRARY = "opentelemetry"  # logger

_log = logging.getLogger("azmlinfsrv.telemetry")


class Request(NamedTuple):
    """A request, and what its run() has raised, if that is known."""

    record: RequestRecord
    error: ScriptError | None


class Page(NamedTuple):
    """A page of metrics, and when it was looked at."""

    moment: Moment
    text: bytes


class OtlpOutput:
    """Sends what there is a `traces` and a `metrics` exporter for."""

    def __init__(
        self,
        resource: Resource,
        traces: Sending | None,
        metrics: Sending | None,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._resource = resource
        self._spans = SpanMaker(resource)
        self._traces, self._metrics = traces, metrics
        self._requests: ExportQueue[Request] | None = None
        self._errors: dict[str, ScriptError] = {}  # of requests to come, by the id of run()'s span
        self._pages: ExportQueue[Page] | None = None
        if traces is not None:
            most, batch, delay_ms = (
                positive_number(environ, "OTEL_BSP_MAX_QUEUE_SIZE", _MOST_WAITING),
                positive_number(environ, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", _BATCH_REQUESTS),
                positive_number(environ, "OTEL_BSP_SCHEDULE_DELAY", _DELAY_MS),
            )
            self._requests = ExportQueue(
                "OpenTelemetry traces",
                lambda requests: traces.send(
                    [span for request in requests for span in self._spans.spans_of(*request)]
                ),
                most_waiting=max(1, int(most)),
                batch_items=max(1, int(min(batch, most))),
                delay_seconds=delay_ms / 1000,
            )
        if metrics is not None:
            self._pages = ExportQueue(
                "OpenTelemetry metrics",
                lambda pages: metrics.send(
                    metrics_of(pages[0].text, pages[0].moment, self._resource)
                ),
                most_waiting=_MOST_PAGES,
                batch_items=1,
                delay_seconds=0.0,
            )

    def has_room(self) -> bool:
        return self._requests is not None and not self._requests.full

    def request(self, record: RequestRecord) -> None:
        error = self._error_of(record) if self._errors else None
        if record.traced and self._requests is not None:
            self._requests.put(Request(record, error))

    def report(self, report: Report) -> None:
        """Of a script, errors of run() are told: each before the request that it is about."""
        if isinstance(report, ScriptError) and report.about.span_id and self._requests is not None:
            if len(self._errors) >= _MOST_ERRORS:  # of requests whose traces are not recorded
                del self._errors[next(iter(self._errors))]
            self._errors[report.about.span_id] = report

    def metrics(self, since: float, page: bytes) -> None:
        if self._pages is not None:
            moment = Moment(round(since * 1e9), round(self._clock() * 1e9))
            self._pages.put(Page(moment, page))

    def _error_of(self, record: RequestRecord) -> ScriptError | None:
        return self._errors.pop(tracing.run_span_id(record.request_id, record.job_id), None)

    def take_dropped(self) -> Counter[str]:
        queues = [queue for queue in (self._requests, self._pages) if queue is not None]
        return sum((queue.take_dropped() for queue in queues), Counter())

    def close(self, deadline: float) -> None:
        for queue in (self._requests, self._pages):
            if queue is not None:
                queue.close(0.0)  # both begin before one is waited for
        if self._traces is not None and self._requests is not None:
            self._traces.close(self._requests, deadline)
        if self._metrics is not None and self._pages is not None:
            self._metrics.close(self._pages, deadline)


def opened(on: Switches, settings: Settings, environ: Mapping[str, str]) -> list[OtlpOutput]:
    """The output for what is `on`; none where the exporters cannot read their variables."""
    logger = logging.getLogger(_LIBRARY)
    words = LastWords()
    logger.handlers, logger.propagate = [words], False
    traces = metrics = None
    try:
        if on.traces:
            traces = Sending(
                "traces", OTLPSpanExporter(session=session_for(TRACES, environ)), words
            )
            _say_where("traces", TRACES, environ)
        if on.metrics:
            metrics = Sending(
                "metrics", OTLPMetricExporter(session=session_for(METRICS, environ)), words
            )
            _say_where("metrics", METRICS, environ)
    except ValueError as error:
        _log.error("OpenTelemetry is off: a variable OTEL_EXPORTER_OTLP_... says %s", error)
        return []
    return [OtlpOutput(resource_of(settings, environ), traces, metrics, environ)]


def _say_where(name: str, signal: str, environ: Mapping[str, str]) -> None:
    """Logs where a signal goes to, without what may be secret in it."""
    variable = f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"
    if not environ.get(variable):
        variable = "OTEL_EXPORTER_OTLP_ENDPOINT"
    parts = urlsplit(environ.get(variable) or _DEFAULT_ENDPOINT)
    if parts.scheme in {"http", "https"} and parts.hostname:
        where = parts.netloc.rpartition("@")[2]
        _log.info("OpenTelemetry %s go to %s://%s", name, parts.scheme, where)
    else:
        _log.error(
            "OpenTelemetry %s go nowhere: %s must be an address that begins with http:// or"
            " https://, as %s",
            name,
            variable,
            _DEFAULT_ENDPOINT,
        )
