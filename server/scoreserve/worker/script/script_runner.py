"""Scores jobs: inputs in, run() on this thread, outcomes out. The heart of the worker."""

from __future__ import annotations

import inspect
import logging
import math
import sys
import threading
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from types import CodeType
from typing import TYPE_CHECKING, Any, Final, Protocol

from scoreserve import heads, logs
from scoreserve.errors import (
    BadInput,
    InternalError,
    NotAcceptable,
    ReplyError,
    ResultUnusable,
    ScoringTimeout,
    ScriptAnswered,
    ScriptFailed,
)
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, WireJob
from scoreserve.worker.script import results
from scoreserve.worker.script.alarm import Alarm, is_out_of_time
from scoreserve.worker.script.calling import Call, Convention, ForeignRequest
from scoreserve.worker.script.idle_source import IdleSource
from scoreserve.worker.script.main_module import advice
from scoreserve.worker.script.responses import StreamedOutcome
from scoreserve.worker.script.trace_context import TraceContext

if TYPE_CHECKING:
    from scoreserve.worker.script.coroutines import Coroutines

_log = logging.getLogger("azmlinfsrv")
_clock: Final = time.perf_counter
_Formatter: Final = logs.JsonFormatter
_TraceContext: Final = TraceContext
_modules: Final = sys.modules

Result = Outcome | StreamedOutcome
# Told which calls share a run(), before it begins.
Begin = Callable[[Sequence[Call]], None]
# Of a call that stops for a while: until when it may take, itself where flask is not imported yet,
# and its late context.
RunnerState = tuple[float, Call | None, AbstractContextManager[Any] | None]
IDLE: Final[RunnerState] = (math.inf, None, None)


def about(*scored: logs.Scored) -> None:
    """What is logged from here on, and recorded of traces, is about these requests."""
    if _Formatter.wanted:
        logs.scored_requests.set(scored)
    if _TraceContext.wanted:
        _TraceContext.attach(scored)


def nobody_told(calls: Sequence[Call]) -> None:
    """For whoever need not know what begins."""


def run_init(init: Callable[[], Any]) -> Coroutines | None:
    """Calls init(), and awaits what it returns: on the event loop that run() is then awaited on."""
    value = init()
    if not inspect.isawaitable(value):
        return None
    from scoreserve.worker.script.coroutines import Coroutines

    coroutines = Coroutines()
    coroutines.result(value)
    return coroutines


class Reports(Protocol):
    """Who is told what the script raises and returns, see `script_reports`."""

    def raised(self, scored: Sequence[logs.Scored], error: BaseException) -> None: ...

    def returned(self, call: Call, outcome: Outcome, text_parameter: str | None) -> None: ...

    def frames(self) -> list[bytes]: ...


class Protocols(Protocol):
    """What is spoken beside the protocol of /score, see `worker.protocols`."""

    def request_of(self, head: bytes) -> ForeignRequest | None: ...


class ScriptRunner:
    """Runs the entry script's run() for jobs, one call at a time. `coroutines` are those of init().
    While the worker waits at `source`, the script's event loop goes on. `protocols` are those
    beside that of /score. `reports` is told what comes of calls, if anybody is.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what surrounds it is given
        self,
        run: Callable[..., Any],
        convention: Convention,
        settings: Settings,
        coroutines: Coroutines | None = None,
        source: IdleSource | None = None,
        protocols: Protocols | None = None,
        reports: Reports | None = None,
    ) -> None:
        self._run = run
        code = getattr(run, "__code__", None)
        self.code = code if isinstance(code, CodeType) else None
        self._reports = reports
        self._protocols = protocols
        self._convention = convention
        self._strict_json = settings.strict_json
        self._show_tracebacks = settings.show_tracebacks
        self._timeout_ms = settings.scoring_timeout_ms
        self.timeout_seconds = settings.scoring_limit_seconds
        self._source = source
        self._coroutines: Coroutines | None = None
        if coroutines is not None:
            self._await_with(coroutines)
        elif convention.awaited:
            self._awaiting()  # before there are requests to wait for it
        self._in_hand: Call | None = None  # if flask is not imported yet
        self._late_context: AbstractContextManager[Any] | None = None  # of the call in hand
        self._alarm = Alarm(self.timeout_seconds).watch()

    def read(self, jobs: Iterable[WireJob]) -> list[Call | Outcome]:
        """The calls to make, in the order of `jobs`; an Outcome where the input is refused.

        Nothing in it refers to the jobs' bytes, so their buffer can go before run() is called.
        """
        calls: list[Call | Outcome] = []
        for job in jobs:
            protocols = self._protocols
            foreign = None if protocols is None else protocols.request_of(job.head)
            try:
                calls.append(self._convention.call(job, foreign))
            except ReplyError as error:
                calls.append(_worded(foreign, results.failure(job.id, error)))
            except MemoryError:
                about((job.head, job.id))
                request = logs.request_text(heads.request_id_of(job.head))
                _log.exception("There is no memory for the input of run(), %s", request)
                calls.append(_worded(foreign, results.failure(job.id, InternalError())))
        return calls

    def score(self, call: Call) -> Result:
        """Calls run() and makes an outcome of whatever comes of it.

        What is logged from here on is about this request, until the next one: it may be streamed.
        """
        about((call.head, call.job_id))
        started = _clock()
        try:
            value = self.call(call)
        except ReplyError as error:
            return self.failed(call, error, _clock() - started)
        return self.returned(call, value, _clock() - started)

    def returned(self, call: Call, value: Any, seconds: float) -> Result:
        """The outcome of a call that returned `value`."""
        try:
            if call.foreign is not None:
                outcome = call.foreign.result(call.job_id, value, call.head, seconds)
            else:
                outcome = results.result(
                    call.job_id, value, call.head, seconds, strict_json=self._strict_json
                )
        except ReplyError as error:
            return self.failed(call, error, seconds)
        if isinstance(outcome, StreamedOutcome):
            outcome.scored = ((call.head, call.job_id),)
        elif self._reports is not None:
            self._reports.returned(call, outcome, self._convention.text_parameter)
        return outcome

    def failed(self, call: Call, error: ReplyError, seconds: float) -> Outcome:
        """The outcome of a call that ended with `error`, which is logged, unless the client made
        it.
        """
        if isinstance(error, (BadInput, NotAcceptable, ScriptAnswered)):
            return _worded(call.foreign, results.failure(call.job_id, error, seconds))
        about((call.head, call.job_id))
        told = _user_traceback(error)
        request = logs.request_text(heads.request_id_of(call.head))
        _log.error("Encountered Exception in %s: %s", request, told)
        if self._reports is not None:
            self._reports.raised(((call.head, call.job_id),), error)
        shown = told if self._show_tracebacks else ""
        outcome = results.failure(call.job_id, error, seconds, traceback=shown)
        return _worded(call.foreign, outcome)

    def call(self, call: Call, spent: float = 0.0) -> Any:
        """What run() returns, under the scoring timeout, of which `spent` seconds are gone.

        Raises ScoringTimeout or ScriptFailed.
        """
        try:
            context = call.context
            if context is None:
                if "flask" in _modules:
                    context = self._convention.late_context(call)
                else:
                    self._in_hand = call
            with self._alarm.after(spent) if spent else self._alarm:
                if context is None:
                    return self._settle(self._run(**call.arguments))
                with context:
                    return self._settle(self._run(**call.arguments))
        except BadInput:  # a built-in script's: it has looked at what the client sent
            raise
        # SystemExit and CancelledError too: what ends one request need not take its worker along.
        except BaseException as error:
            raise self._failure(error) from error
        finally:
            self._in_hand = None
            if self._late_context is not None:
                self._leave_late_context()

    # Several calls may be under way, of which one goes on.

    def set_aside(self) -> RunnerState:
        """The call that goes on stops for a while: what is to be taken up with it again."""
        state = self._alarm.until, self._in_hand, self._late_context
        self.take_up(IDLE)
        return state

    def take_up(self, state: RunnerState) -> None:
        """A call goes on that was set aside."""
        until, self._in_hand, self._late_context = state
        self._alarm.resume(until)

    def flask_imported(self) -> None:
        """Gives the call that is in hand its flask context, if it has imported flask just now."""
        call = self._in_hand
        if call is None or threading.current_thread() is not threading.main_thread():
            return
        self._in_hand = None
        context = self._convention.late_context(call)
        if context is not None:
            context.__enter__()
            self._late_context = context

    def end(self) -> None:
        """Ends what the script has left on its event loop."""
        if self._coroutines is not None:
            self._coroutines.end()

    def _failure(self, error: BaseException) -> ReplyError:
        """What a call of run() that raised this is answered with."""
        if not is_out_of_time(error) and not self._alarm.stopped_a_loop:
            return ScriptFailed().with_cause(error)
        _log.error(
            "Script failed to finish execution within the allocated time: %dms", self._timeout_ms
        )
        return ScoringTimeout(self._timeout_ms).with_cause(error)

    def _leave_late_context(self) -> None:
        context, self._late_context = self._late_context, None
        from flask import has_request_context

        # A coroutine that imports flask enters it in a context of its own, which is gone with it.
        if context is not None and has_request_context():
            context.__exit__(None, None, None)

    def _settle(self, value: Any) -> Any:
        """Awaits what an `async def run` returned; anything else is the result already."""
        if type(value) in results.PLAIN:
            return value
        if inspect.isawaitable(value):
            alarm = self._alarm
            return self._awaiting().result(value, alarm.lend(), alarm.disarm)
        if isinstance(value, AsyncGenerator):
            return self._awaiting().iterate(value)
        return value

    def _awaiting(self) -> Coroutines:
        if self._coroutines is None:
            from scoreserve.worker.script.coroutines import Coroutines

            self._await_with(Coroutines())
        assert self._coroutines is not None
        return self._coroutines

    def _await_with(self, coroutines: Coroutines) -> None:
        self._coroutines = coroutines
        if self._source is not None:
            self._source.run_meanwhile(coroutines.wait)


def _worded(foreign: ForeignRequest | None, outcome: Outcome) -> Outcome:
    """An outcome that is an error, in the words of the request's protocol."""
    if foreign is not None:
        foreign.reword(outcome)
    return outcome


def _user_traceback(error: ReplyError) -> str:
    """The traceback of what the script raised, from the script's own first line on."""
    cause = error.__cause__ or error
    frames = cause.__traceback__
    if frames is not None and not isinstance(error, ResultUnusable):
        frames = frames.tb_next  # leaves out our call of run()
    return "".join(traceback.format_exception(type(cause), cause, frames)) + advice(cause)
