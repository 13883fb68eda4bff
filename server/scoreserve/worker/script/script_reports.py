"""What telemetry is told of the script: Application Insights of all this, traces of errors alone.
Imported only where either is on.

    print()        ─→ PrintHandler ┐
    init() raised  ─→ raised       ├→ what waits, bounded ─→ frames(): the main loop sends them
    run() raised   ─→ raised       │
    run() returned ─→ returned     ┘   with what it sends anyway

Any thread may add to it, a signal's handler and a call that another takes turns with too: so there
is no lock in it, and nothing that waits. A worker that is killed loses what it has not sent yet.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from scoreserve import app_insights, heads, logs, reports, tracing, wire
from scoreserve.app_insights import PROPERTY_CHARACTERS
from scoreserve.errors import ReplyError, ScoringTimeout
from scoreserve.logs import Scored
from scoreserve.reports import LogLine, Lost, ModelData, Report, RequestIds, ScriptError
from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.script import json_text
from scoreserve.worker.script.calling import REQUEST_HEADERS, Call
from scoreserve.worker.script.failure_lines import text_of, type_name
from scoreserve.worker.script.user_frames import users_traceback

# What Application Insights takes of a message and of a trace, in characters:
# https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete
_MESSAGE_CHARACTERS = 32_768
_PROPERTY_BYTES = 4 * PROPERTY_CHARACTERS  # of UTF-8, at most
_MOST_WAITING_BYTES = 8 << 20
_PRINTED = "azmlinfsrv.print"
# What the reference calls it, and says of it, is what people look for.
_TIMEOUT = "UserScriptTimeout"
_TIMEOUT_TEXT = "Script failed to finish execution within the allocated time: %dms"
_CLIENT_IDS = (b"x-ms-client-request-id", b"x-ms-request-id")  # the first that is there


class ScriptReports:
    """What waits to be sent. `models` are those that the script was given, as NAME:VERSION;
    `collects`: inputs and results of calls are reported too.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        most_bytes: int = _MOST_WAITING_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._models = tuple(models_in(settings.model_dir or ""))
        self._collects = settings.app_insights_model_data
        self._timeout_text = _TIMEOUT_TEXT % settings.scoring_timeout_ms
        self._most_bytes = most_bytes
        self._clock = clock
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._lost = 0
        self._known: tuple[Sequence[Scored], RequestIds] = ((), reports.NO_REQUEST)

    def printed(self, record: logging.LogRecord) -> None:
        """The script has printed this."""
        self._add(
            LogLine(
                self._ids_of_scored(),
                record.created,
                record.levelno,
                record.name,
                _sent(record.getMessage()[:_MESSAGE_CHARACTERS]),
                _sent(record.pathname),
                record.funcName or "",
                record.lineno,
            )
        )

    def raised(self, scored: Sequence[Scored], error: BaseException) -> None:
        """`error`, or what is behind it, was raised for these requests; none: not for one."""
        cause = error.__cause__ if isinstance(error, ReplyError) else None
        raised = cause or error
        if isinstance(error, ScoringTimeout):
            kind, message = _TIMEOUT, self._timeout_text
        else:
            kind, message = type_name(type(raised)), text_of(raised)[:_MESSAGE_CHARACTERS]
        # The end of a long one says most.
        stack = users_traceback(raised)[-_MESSAGE_CHARACTERS:]
        self._add(ScriptError(ids_of(scored), self._clock(), kind, _sent(message), _sent(stack)))

    def returned(self, call: Call, outcome: Outcome, text_parameter: str | None) -> None:
        """A call has come to this outcome, all there. `text_parameter`: see Convention. One for no
        request, with a known sample, is not told.
        """
        if self._collects and heads.request_id_of(call.head):
            about = ids_of([(call.head, call.job_id)])
            given = _input_text(call, text_parameter)
            begins = wire.beginning(outcome.body, outcome.parts, _PROPERTY_BYTES)
            prediction = begins.decode("utf-8", "replace")[:PROPERTY_CHARACTERS]
            self._add(ModelData(about, self._clock(), self._models, given, prediction))

    def frames(self) -> list[bytes]:
        """What waits, as frames for the front. Main thread only."""
        if not self._waiting:
            return []
        frames = []
        while self._waiting:
            frames.append(wire.frame(wire.REPORT, self._waiting.popleft()))
        lost, self._lost, self._bytes = self._lost, 0, 0
        if lost:
            frames.append(wire.frame(wire.REPORT, reports.encode(Lost(reports.NO_REQUEST, lost))))
        return frames

    def forget(self) -> None:
        """Another process has what waits, and sends it."""
        self._waiting.clear()
        self._bytes = self._lost = 0

    def _ids_of_scored(self) -> RequestIds:
        """Made once for all lines of a request."""
        scored = logs.scored_requests.get()
        known_of, known = self._known
        if known_of is not scored:
            known = ids_of(scored)
            self._known = scored, known
        return known

    def _add(self, report: Report) -> None:
        data = reports.encode(report)
        # Two threads at once may count a few bytes wrong, until what waits is sent.
        if self._bytes + len(data) > self._most_bytes:
            self._lost += 1
            return
        self._bytes += len(data)
        self._waiting.append(data)


class PrintHandler(logging.Handler):
    """Passes on what is printed."""

    def __init__(self, script_reports: ScriptReports) -> None:
        super().__init__()
        self._reports = script_reports

    def emit(self, record: logging.LogRecord) -> None:
        self._reports.printed(record)


_of_this_process: ScriptReports | None = None


def install(settings: Settings) -> None:
    """Has this process report: all of it, if Application Insights is on, else errors."""
    global _of_this_process  # noqa: PLW0603 - as print() and logging are the process's
    if not app_insights.is_on(settings):
        _of_this_process = ScriptReports(replace(settings, app_insights_model_data=False))
    else:
        _of_this_process = ScriptReports(settings)
        logs.JsonFormatter.wanted = True  # so that it is known which request a line is about
        logging.getLogger(_PRINTED).addHandler(PrintHandler(_of_this_process))


def of_this_process() -> ScriptReports | None:
    """None: nothing is to be reported."""
    return _of_this_process


def ids_of(scored: Sequence[Scored]) -> RequestIds:
    """Which requests it is about: none, where it is a known sample that is scored. Several have no
    trace in common, so there is none then.
    """
    ids = [heads.request_id_of(head) for head, _ in scored]
    if not any(ids):
        return reports.NO_REQUEST
    if len(scored) > 1:
        return RequestIds(b",".join(ids).decode("latin-1"))
    [(block, job_id)], [request_id] = scored, ids
    head = heads.decode_head(block)
    trace = tracing.trace_of(head.header(tracing.TRACEPARENT) or b"", request_id)
    client_ids = [value for name in _CLIENT_IDS if (value := head.header(name))]
    return RequestIds(
        request_id.decode("latin-1"),
        client_ids[0].decode("latin-1") if client_ids else "",
        trace.id,
        tracing.run_span_id(request_id, job_id),
        tracing.server_span_id(request_id, job_id),
    )


def models_in(model_dir: str) -> list[str]:
    """The models in AZUREML_MODEL_DIR as NAME:VERSION, by the reference's rules: it is the one
    NAME/VERSION, or holds several.
    """
    if os.path.basename(model_dir).isdecimal():
        return [_model_id(model_dir)]
    try:
        models = [each.path for each in os.scandir(model_dir)] if model_dir else []
        versions = [each.path for model in models for each in os.scandir(model)]
    except OSError:  # there is none, or it is of another form
        return []
    return sorted(_model_id(path) for path in versions if os.path.basename(path).isdecimal())


def _model_id(path: str) -> str:
    folder, version = os.path.split(path)
    return f"{os.path.basename(folder)}:{int(version)}"


def _input_text(call: Call, text_parameter: str | None) -> str:
    """What run() got, as JSON: as the reference tells it, the body's text or all arguments."""
    arguments = {name: call.arguments[name] for name in call.arguments if name != REQUEST_HEADERS}
    value = arguments.get(text_parameter or "", arguments)
    flask = sys.modules.get("flask")
    try:
        if flask is not None and any(each is flask.request for each in arguments.values()):
            value = call.context.request.get_data(as_text=True)  # type: ignore[union-attr]
        if isinstance(value, str):
            value = value[:PROPERTY_CHARACTERS]  # a long one is not written as JSON for its start
        return json_text.dumps(value).decode()[:PROPERTY_CHARACTERS]
    except Exception:  # values may be of the script's own classes, and a body no text
        return ""


def _sent(text: str) -> str:
    """Lone surrogates cannot be sent."""
    return text.encode("utf-8", "backslashreplace").decode()
