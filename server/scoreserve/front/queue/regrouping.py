"""Whether clients that were answered are on their way back, to be merged with one another.

Clients in a closed loop ask again as soon as they have their answers, one shortly after the other.
Were the first of them handed over as they come, they would be split into a small batch and a large
one, and stay so, though each batch costs a run() of its own. So they are waited for while the
worker is idle: from one to the next, for a small part of what their batch took.

    answered, or one more is queued ─→ another is, within a small part of that time ─┐
               ↑       │                                                             │
               │       └─ none is, or all are: what is queued is handed over         │
               └─────────────────────────────────────────────────────────────────────┘
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_PART: Final = 0.05  # of the seconds that their batch took
_LONGEST_SECONDS: Final = 2e-4  # the event loop turns without rest meanwhile


class Regrouping:
    """The clients that were answered last. `expected` is how many jobs will be queued once all of
    them are back, or 0 when nobody is waited for. `clock` tells the time in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.expected = 0
        self._clock = clock
        self._seen = 0  # that were queued in the turn before
        self._timeouts = 0.0  # seconds
        self._until = 0.0

    def answered(self, jobs: int, queued: int, seconds: float) -> None:
        """So many jobs, on which the worker was for so long, are answered; others are queued."""
        together = jobs + queued
        self.expected = together if together > 1 else 0
        self._seen = -1  # the answers are written in the loop's next turn
        self._timeouts = min(_PART * seconds, _LONGEST_SECONDS)

    def awaited(self, queued: int, most: int) -> bool:
        """Whether to leave the jobs that are queued, of which `most` can be handed over, for
        another turn of the loop. Once it says no, nobody is expected any more.
        """
        if queued < min(self.expected, most):
            now = self._clock()
            if queued > self._seen:
                self._seen, self._until = queued, now + self._timeouts
                return True
            if now < self._until:
                return True
        self.expected = 0
        return False
