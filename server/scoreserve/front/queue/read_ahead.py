"""How many jobs a worker may hold at once without anyone waiting noticeably longer for it.

One at a time, a worker and the front wake each other for every request, which costs more than a
fast run() itself. So a worker of a fast script is handed several jobs ahead: as many as it should
finish within AHEAD_SECONDS, judged by the running mean of its run() times. A script that was slow
lately gets one job at a time, so that no job waits behind a busy worker while another is idle.

The mean, not the slowest: on a shared CPU a run() of microseconds is now and then interrupted for
milliseconds, while one that really takes seconds still shows in the mean for hundreds of jobs.
"""

from __future__ import annotations

from typing import Final

AHEAD_SECONDS: Final = 0.002
MOST_AHEAD: Final = 128  # jobs
_SHORTEST_SECONDS: Final = 1e-6  # a mean of nothing at all would allow any number
_LONGEST_SECONDS: Final = 1e9  # of what may be added
_WEIGHT: Final = 0.02  # of the newest run() in the mean


class ReadAhead:
    """Watches run() times, in seconds."""

    def __init__(self) -> None:
        self._mean = AHEAD_SECONDS

    def record(self, run_seconds: float) -> None:
        """One run() took this long, by a clock that the script may have changed."""
        if 0 <= run_seconds < _LONGEST_SECONDS:
            self._mean += (run_seconds - self._mean) * _WEIGHT

    @property
    def ahead(self) -> int:
        """How many jobs a worker may hold."""
        mean = max(self._mean, _SHORTEST_SECONDS)
        return min(MOST_AHEAD, int(AHEAD_SECONDS / mean)) or 1
