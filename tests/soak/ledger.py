"""What became of every request. Filled by all clients' threads."""

from __future__ import annotations

import threading
from collections import Counter

# How a request may end, besides with a status.
ABANDONED = "abandoned"  # by its client, on purpose
BROKEN_OFF = "broken off"  # a streamed answer, visibly incomplete
UNHEARD = "unheard"  # its client sent no more, and no worker could have it at once

KILLED = frozenset({502, BROKEN_OFF})  # what the death of a worker may do to any request
BUSY = 503


class Ledger:
    """Counts ends by kind of client, and keeps what should not have happened."""

    def __init__(self) -> None:
        self.ends: Counter[tuple[str, str]] = Counter()
        self.wrong: list[str] = []
        self.killed = 0  # requests that only somebody else's fault can have ended
        self.calm = False  # the faults are over
        self.slowest_probe = 0.0  # seconds
        self._lock = threading.Lock()
        self._next = 0

    def open(self) -> int:
        """The number of a new request."""
        with self._lock:
            self._next += 1
            return self._next

    @property
    def requests(self) -> int:
        return self._next

    @property
    def ended(self) -> int:
        return sum(self.ends.values())

    def close(
        self, kind: str, end: int | str, expected: tuple[int | str, ...], said: str = ""
    ) -> None:
        """A request ended as it did; it was `expected` to end in one of these ways. `said` is what
        its client was told.

        The death of a worker, or a full queue, may stand in for them while there are faults.
        """
        with self._lock:
            self.ends[kind, str(end)] += 1
            if end in expected:
                return
            if self.calm or end not in (*KILLED, BUSY):
                wanted = " or ".join(map(str, expected))
                self.wrong.append(f"{kind}: {end} instead of {wanted}. {said}")
            elif end != BUSY:
                self.killed += 1

    def lose(self, kind: str, what: str) -> None:
        """A request ended in a way that nothing explains."""
        with self._lock:
            self.ends[kind, "LOST"] += 1
            self.wrong.append(f"{kind}: {what}")
