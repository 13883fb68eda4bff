"""When a worker has been at one thing for too long. Pure: it is told the time.

SCORING_TIMEOUT_MS is enforced by the worker itself, by a signal; the front steps in only when that
did not help, because run() is in C code that no signal handler interrupts. WORKER_TIMEOUT is the
front's: as under gunicorn, it covers init() and run().
"""

from __future__ import annotations

from scoreserve.errors import ReplyError, ScoringTimeout, WorkerLost
from scoreserve.settings import Settings

_GRACE_SECONDS = 5.0  # for a run() that the signal interrupted to clean up


class TimeLimits:
    """The time limits of one server."""

    def __init__(self, settings: Settings) -> None:
        self._scoring_ms = settings.scoring_timeout_ms
        self._worker_seconds = settings.worker_timeout_s or float("inf")

    def init_exceeded(self, seconds: float) -> ReplyError | None:
        """What to end a worker with whose start has taken so long, or None."""
        if seconds <= self._worker_seconds:
            return None
        return WorkerLost(f"init() took longer than WORKER_TIMEOUT, {self._worker_seconds:g} s.")

    def run_exceeded(self, seconds: float) -> ReplyError | None:
        """What to end a worker with whose run() has taken so long, or None."""
        if seconds > self._scoring_ms / 1000 + _GRACE_SECONDS:
            return ScoringTimeout(self._scoring_ms)
        if seconds > self._worker_seconds:
            return WorkerLost(f"run() took longer than WORKER_TIMEOUT, {self._worker_seconds:g} s.")
        return None
