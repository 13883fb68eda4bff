"""Scores jobs: inputs in, run() on this thread, outcomes out. The heart of the worker."""

from __future__ import annotations

import inspect
import logging
import time
import traceback
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from scoreserve import logs
from scoreserve.errors import ReplyError, ResultUnusable, ScoringTimeout, ScriptFailed
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, WireJob
from scoreserve.worker.script import results
from scoreserve.worker.script.alarm import Alarm
from scoreserve.worker.script.calling import Call, Convention
from scoreserve.worker.script.responses import StreamedOutcome

if TYPE_CHECKING:
    from scoreserve.worker.script.coroutines import Coroutines

_log = logging.getLogger("azmlinfsrv")
_clock: Final = time.perf_counter
_Formatter: Final = logs.JsonFormatter

Result = Outcome | StreamedOutcome
# Told which calls share a run(), before it begins.
Begin = Callable[[Sequence[Call]], None]


def about(*heads: bytes) -> None:
    """What is logged from here on is about the requests with these heads."""
    if _Formatter.wanted:
        logs.scored_heads.set(heads)


def nobody_told(calls: Sequence[Call]) -> None:
    """For whoever need not know what begins."""


class ScriptRunner:
    """Runs the entry script's run() for jobs, one call at a time."""

    def __init__(self, run: Callable[..., Any], convention: Convention, settings: Settings) -> None:
        self._run = run
        self._convention = convention
        self._strict_json = settings.strict_json
        self._timeout_ms = settings.scoring_timeout_ms
        self.timeout_seconds = settings.scoring_limit_seconds
        self._coroutines: Coroutines | None = None  # made for the first one
        if convention.awaited:
            self._awaiting()  # before there are requests to wait for it
        self._alarm = Alarm(self.timeout_seconds)

    def read(self, jobs: Iterable[WireJob]) -> list[Call | Outcome]:
        """The calls to make, in the order of `jobs`; an Outcome where the input is refused.

        Nothing in it refers to the jobs' bytes, so their buffer can go before run() is called.
        """
        calls: list[Call | Outcome] = []
        for job in jobs:
            try:
                calls.append(self._convention.call(job))
            except ReplyError as error:
                calls.append(results.failure(job.id, error))
        return calls

    def score(self, call: Call) -> Result:
        """Calls run() and makes an outcome of whatever comes of it.

        What is logged from here on is about this request, until the next one: it may be streamed.
        """
        about(call.head)
        started = _clock()
        try:
            value = self.call(call)
        except ReplyError as error:
            return self.failed(call, error, _clock() - started)
        return self.returned(call, value, _clock() - started)

    def returned(self, call: Call, value: Any, seconds: float) -> Result:
        """The outcome of a call that returned `value`."""
        try:
            return results.result(
                call.job_id, value, call.head, seconds, strict_json=self._strict_json
            )
        except ReplyError as error:
            return self.failed(call, error, seconds)

    def failed(self, call: Call, error: ReplyError, seconds: float) -> Outcome:
        """The outcome of a call that ended with `error`, which is logged."""
        about(call.head)
        _log.error("Encountered Exception: %s", _user_traceback(error))
        return results.failure(call.job_id, error, seconds)

    def call(self, call: Call, spent: float = 0.0) -> Any:
        """What run() returns, under the scoring timeout, of which `spent` seconds are gone.

        Raises ScoringTimeout or ScriptFailed.
        """
        try:
            with self._alarm.after(spent) if spent else self._alarm:
                if call.context is None:
                    return self._settle(self._run(**call.arguments))
                with call.context:
                    return self._settle(self._run(**call.arguments))
        except TimeoutError as error:  # the script's own count too, as in the reference
            _log.error(
                "Script failed to finish execution within the allocated time: %dms",
                self._timeout_ms,
            )
            raise ScoringTimeout(self._timeout_ms).with_cause(error) from error
        # SystemExit and CancelledError too: what ends one request need not take its worker along.
        except BaseException as error:
            raise ScriptFailed().with_cause(error) from error

    def _settle(self, value: Any) -> Any:
        """Awaits what an `async def run` returned; anything else is the result already."""
        if type(value) in results.PLAIN:
            return value
        if inspect.isawaitable(value):
            return self._awaiting().result(value)
        if isinstance(value, AsyncGenerator):
            return self._awaiting().iterate(value)
        return value

    def _awaiting(self) -> Coroutines:
        if self._coroutines is None:
            from scoreserve.worker.script.coroutines import Coroutines

            self._coroutines = Coroutines()
        return self._coroutines


def _user_traceback(error: ReplyError) -> str:
    """The traceback of what the script raised, from the script's own first line on."""
    cause = error.__cause__ or error
    frames = cause.__traceback__
    if frames is not None and not isinstance(error, ResultUnusable):
        frames = frames.tb_next  # leaves out our call of run()
    return "".join(traceback.format_exception(type(cause), cause, frames))
