"""The output that sends to Application Insights.

RequestRecord ─→ queue ═ thread: spans        ─→ trace exporter ─→ requests
Report        ─→ queue ═ thread: log records  ─→ log exporter   ─→ traces, exceptions
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import MutableMapping, Sequence

from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.sdk.trace import ReadableSpan

from scoreserve import protocols
from scoreserve.reports import WORKER_FULL, LogLine, Lost, ModelData, Report, ScriptError
from scoreserve.settings import Settings
from scoreserve.telemetry.azure import exporting
from scoreserve.telemetry.azure.log_records import record_of
from scoreserve.telemetry.azure.request_spans import shortened, span_of
from scoreserve.telemetry.azure.service import Service, service_of
from scoreserve.telemetry.dropped import Dropped
from scoreserve.telemetry.export_queue import ExportQueue
from scoreserve.telemetry.exporters import Exporter, exported
from scoreserve.telemetry.records import NO_JOB, RequestRecord

# The reference's: what has come in 5 seconds goes in one post, or so many before that.
_DELAY_SECONDS = 5.0
_MOST_SPANS, _MOST_RECORDS = 512, 100
_MOST_WAITING = 2048  # of each; of requests, each with up to 8,192 characters of its answer

_log = logging.getLogger("azmlinfsrv.telemetry")


class AzureOutput:
    """Sends requests and reports with these exporters. `with_answers`: what requests were answered
    too. `scored` are the paths of ours whose requests are sent, beside those of the reference.
    """

    def __init__(  # noqa: PLR0913 - what surrounds it is given
        self,
        traces: Exporter,
        logs: Exporter,
        service: Service,
        *,
        with_answers: bool,
        scored: Sequence[str] = (),
        delay_seconds: float = _DELAY_SECONDS,
        most_waiting: int = _MOST_WAITING,
    ) -> None:
        self._traces = traces
        self._logs = logs
        self._service = service
        self._with_answers = with_answers
        self._scored = frozenset(path.encode() for path in scored)
        self._lost = Dropped()
        self._requests: ExportQueue[RequestRecord] = ExportQueue(
            "Application Insights, requests",
            self._export_requests,
            most_waiting=most_waiting,
            batch_items=_MOST_SPANS,
            delay_seconds=delay_seconds,
        )
        self._reports: ExportQueue[LogLine | ScriptError | ModelData] = ExportQueue(
            "Application Insights, traces",
            self._export_reports,
            most_waiting=most_waiting,
            batch_items=_MOST_RECORDS,
            delay_seconds=delay_seconds,
        )

    def has_room(self) -> bool:
        return not self._requests.full

    def request(self, record: RequestRecord) -> None:
        """Health probes and paths that are none are not sent, as by the reference."""
        if record.api or record.job_id != NO_JOB or record.head.route in self._scored:
            self._requests.put(shortened(record))

    def report(self, report: Report) -> None:
        if isinstance(report, Lost):
            self._lost.add(WORKER_FULL, report.reports)
        else:
            self._reports.put(report)

    def metrics(self, since: float, page: bytes) -> None:
        """They are not sent."""

    def take_dropped(self) -> Counter[str]:
        return self._lost.take() + self._requests.take_dropped() + self._reports.take_dropped()

    def close(self, deadline: float) -> None:
        for until in (0.0, deadline):  # both begin before one is waited for
            self._reports.close(until)
            self._requests.close(until)

    def _export_requests(self, batch: Sequence[RequestRecord]) -> bool:
        spans: list[ReadableSpan] = [
            span_of(record, self._service, with_answer=self._with_answers) for record in batch
        ]
        return exported(self._traces, spans)

    def _export_reports(self, batch: Sequence[LogLine | ScriptError | ModelData]) -> bool:
        records: list[ReadableLogRecord] = [record_of(report, self._service) for report in batch]
        return exported(self._logs, records)


def opened(settings: Settings, environ: MutableMapping[str, str]) -> list[AzureOutput]:
    """The output for these settings; none where it cannot be, which is said."""
    assert settings.app_insights_key is not None
    exporting.keep_quiet(environ)
    exporting.pass_on_lines(settings.app_insights_key)
    service = service_of(settings, environ)
    try:
        exporting.tidy(environ)
        traces, logs = exporting.exporters(settings.app_insights_key, service.resource)
    except ValueError as error:
        _log.error(
            "Nothing is sent to Application Insights: APPLICATIONINSIGHTS_CONNECTION_STRING cannot"
            " be used: %s. It should be NAME=VALUE pairs with ';' between them.",
            error,
        )
        return []
    _log.info("Telemetry is sent to Application Insights, at %s", exporting.host_of(environ))
    output = AzureOutput(
        traces,
        logs,
        service,
        with_answers=settings.app_insights_log_response,
        scored=protocols.scored_paths(settings),
    )
    return [output]
