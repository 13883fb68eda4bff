"""Scores jobs: inputs in, run() on this thread, outcomes out. The heart of the worker."""

from __future__ import annotations

import logging
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any, NamedTuple, NoReturn

from scoreserve import wire
from scoreserve.errors import ReplyError, ResultUnusable, ScoringTimeout, ScriptFailed
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, WireJob
from scoreserve.worker import outputs
from scoreserve.worker.calling import Convention

_log = logging.getLogger("azmlinfsrv")


class Call(NamedTuple):
    """A job whose input is read: what run() is called with."""

    job_id: int
    arguments: dict[str, Any]


class Scorer:
    """Runs the entry script's run() for jobs, one call at a time."""

    def __init__(self, run: Callable[..., Any], convention: Convention, settings: Settings) -> None:
        self._run = run
        self._convention = convention
        self._strict_json = settings.strict_json
        self._timeout_ms = settings.scoring_timeout_ms
        signal.signal(signal.SIGALRM, _raise_timeout)

    def read(self, jobs: Iterable[WireJob]) -> list[Call | Outcome]:
        """The calls to make, in the order of `jobs`; an Outcome where the input is refused.

        Nothing in it refers to the jobs' bytes, so their buffer can go before run() is called.
        """
        return [self._read(job) for job in jobs]

    def score(self, calls: Iterable[Call | Outcome]) -> Iterator[Outcome]:
        """Runs the calls one after the other."""
        for call in calls:
            yield call if isinstance(call, Outcome) else self._score(call)

    def _read(self, job: WireJob) -> Call | Outcome:
        try:
            head = wire.decode_head(job.head)
            return Call(job.id, self._convention.arguments(head, job))
        except ReplyError as error:
            return outputs.failure(job.id, error)

    def _score(self, call: Call) -> Outcome:
        started = time.perf_counter()
        try:
            value = self._call(call.arguments)
            seconds = time.perf_counter() - started
            return outputs.result(call.job_id, value, seconds, strict_json=self._strict_json)
        except ReplyError as error:
            _log.error("Encountered Exception: %s", _user_traceback(error))
            return outputs.failure(call.job_id, error, time.perf_counter() - started)

    def _call(self, arguments: dict[str, Any]) -> Any:
        """run() under the scoring timeout. Raises ScoringTimeout or ScriptFailed."""
        try:
            signal.setitimer(signal.ITIMER_REAL, self._timeout_ms / 1000)
            try:
                return self._run(**arguments)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except TimeoutError as error:  # the script's own count too, as in the reference
            raise ScoringTimeout(self._timeout_ms) from error
        except Exception as error:
            raise ScriptFailed from error


def _raise_timeout(signal_number: int, frame: FrameType | None) -> NoReturn:
    raise TimeoutError


def _user_traceback(error: ReplyError) -> str:
    """The traceback of what the script raised, from the script's own first line on."""
    cause = error.__cause__ or error
    frames = cause.__traceback__
    if frames is not None and not isinstance(error, ResultUnusable):
        frames = frames.tb_next  # leaves out our call of run()
    return "".join(traceback.format_exception(type(cause), cause, frames))
