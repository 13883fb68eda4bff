"""What workers report as log records, of which the exporter makes rows of `traces` and
`exceptions`. Pure. Names of properties are the reference's, and so is the line of model data.
"""

from __future__ import annotations

import json

from opentelemetry import trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk._logs import ReadableLogRecord
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.util.types import AnyValue

from scoreserve.reports import LogLine, ModelData, RequestIds, ScriptError
from scoreserve.telemetry.azure.request_spans import nanoseconds
from scoreserve.telemetry.azure.service import Service

_MODEL_DATA = "model_data_collection"
_NO_REQUEST = "Unknown"  # the id with an error that is none of a request's
# https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
_SEVERITIES = (
    (40, SeverityNumber.ERROR),  # logging's ERROR, and so on
    (30, SeverityNumber.WARN),
    (20, SeverityNumber.INFO),
)

Attributes = dict[str, AnyValue]


def record_of(report: LogLine | ScriptError | ModelData, service: Service) -> ReadableLogRecord:
    """The log record for a report."""
    severity, body, attributes = SeverityNumber.INFO, "", _ids(report.about, service)
    if isinstance(report, LogLine):
        severity, body = _severity(report.level), report.text
        attributes |= {
            "code.file.path": report.path,
            "code.function.name": report.function,
            "code.line.number": report.line,
        }
    elif isinstance(report, ScriptError):
        severity = SeverityNumber.ERROR
        attributes["Request Id"] = report.about.request_id or _NO_REQUEST
        attributes |= {
            "exception.type": report.type_name,
            "exception.message": report.message or report.type_name,
            "exception.stacktrace": report.traceback,
        }
    else:
        body = _MODEL_DATA
        attributes |= {
            "Workspace Name": service.workspace,
            "Service Name": service.name,
            "Models": json.dumps(report.models),
            "Input": report.input,
            "Prediction": report.prediction,
        }
    log_record = LogRecord(
        timestamp=nanoseconds(report.time),
        context=_context(report.about),
        severity_number=severity,
        body=body or None,
        attributes=attributes,
    )
    return ReadableLogRecord(log_record, service.resource)


def _ids(about: RequestIds, service: Service) -> Attributes:
    return {
        "Container Id": service.container_id,
        "Request Id": about.request_id,
        "Client Request Id": about.client_request_id,
    }


def _severity(level: int) -> SeverityNumber:
    for lowest, severity in _SEVERITIES:
        if level >= lowest:
            return severity
    return SeverityNumber.DEBUG


def _context(about: RequestIds) -> Context:
    """Of the request, whose row is the parent. None: that of no trace."""
    if not about.trace_id:
        return trace.set_span_in_context(trace.INVALID_SPAN, Context())
    ids = int(about.trace_id, 16), int(about.parent_id, 16)
    parent = SpanContext(*ids, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())
