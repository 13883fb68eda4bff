"""When a worker has been at one thing for too long. Pure: it is told the time.

SCORING_TIMEOUT_MS is enforced by the worker itself, by a signal; the front steps in only when that
did not help, because run() is in C code that no signal handler interrupts. WORKER_TIMEOUT is the
front's: as under gunicorn, it covers init() and run().
"""

from __future__ import annotations

from scoreserve.errors import ScoringTimeout, WorkerLost
from scoreserve.front.workers.exit_reasons import (
    INIT_TIMEOUT,
    SCORING_TIMEOUT,
    WORKER_TIMEOUT,
    Exceeded,
)
from scoreserve.settings import Settings

_GRACE_SECONDS = 5.0  # for a run() that the signal interrupted to clean up


class TimeLimits:
    """The time limits of one server."""

    def __init__(self, settings: Settings) -> None:
        self._scoring_ms = settings.scoring_timeout_ms
        self._scoring_seconds = settings.scoring_limit_seconds
        self._worker_seconds = settings.worker_timeout_s or float("inf")

    def init_exceeded(self, seconds: float) -> Exceeded | None:
        """The limit that a start which has taken so long exceeds, or None."""
        if seconds <= self._worker_seconds:
            return None
        return Exceeded(INIT_TIMEOUT, self._worker_timeout("init()"))

    def run_exceeded(self, seconds: float) -> Exceeded | None:
        """The limit that a run() which has taken so long exceeds, or None."""
        if seconds > self._scoring_seconds + _GRACE_SECONDS:
            return Exceeded(SCORING_TIMEOUT, ScoringTimeout(self._scoring_ms))
        if seconds > self._worker_seconds:
            return Exceeded(WORKER_TIMEOUT, self._worker_timeout("run()"))
        return None

    def stream_exceeded(self, seconds: float, *, stopped: bool) -> Exceeded | None:
        """The limit that a generator exceeds which has been at the next chunk for so long, or None.
        `stopped`: its client has left, and it was told to end.
        """
        if stopped and seconds > _GRACE_SECONDS:
            error = WorkerLost("The response's client left, and its generator did not end.")
            return Exceeded(WORKER_TIMEOUT, error)
        if seconds > self._worker_seconds:
            return Exceeded(WORKER_TIMEOUT, self._worker_timeout("The next part of a body"))
        return None

    def _worker_timeout(self, what: str) -> WorkerLost:
        return WorkerLost(f"{what} took longer than WORKER_TIMEOUT, {self._worker_seconds:g} s.")
