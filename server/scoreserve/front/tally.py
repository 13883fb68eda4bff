"""Counts what became of the workers since the front started, for health and metrics."""

from __future__ import annotations

from scoreserve.front.deaths import REASONS, End
from scoreserve.front.report import Death


class Tally:
    """Deaths by reason, and how long start-ups took."""

    def __init__(self) -> None:
        self.deaths = dict.fromkeys(REASONS, 0)
        self.inits = 0
        self.init_seconds_total = 0.0
        self.init_seconds_last = 0.0
        self._last: tuple[End, int, float] | None = None  # the end, the process id, when

    def started(self, seconds: float) -> None:
        """A worker became ready, so many seconds after its process was started."""
        self.inits += 1
        self.init_seconds_total += seconds
        self.init_seconds_last = seconds

    def died(self, end: End, pid: int, now: float) -> None:
        """A worker died."""
        self.deaths[end.reason] += 1
        self._last = end, pid, now

    def last_death(self, now: float) -> Death | None:
        """The last death, if there was any."""
        if self._last is None:
            return None
        end, pid, when = self._last
        return Death(end.reason, end.text, pid, now - when)
