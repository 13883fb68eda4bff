"""The last score requests that failed, for the page at /status: kept in memory, a few lines each.

Those that the script or the server is to blame for, that is: answered 5xx after a worker had them,
or died with them. What was turned away for want of room is counted, see `counters`. Nothing of a
request is kept but its id.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from scoreserve.front.messages.log_text import log_text

KEPT: Final = 20
_UNTOLD: Final = "The script answered with this status itself."


class Failure(NamedTuple):
    """One request that failed, at `time` (seconds since the epoch). `error` is the last line of its
    traceback, or what the server says of it.
    """

    time: float
    request_id: str
    status: int
    error: str


class Failures:
    """Keeps the latest. `clock` tells the time of day, in seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._latest: deque[Failure] = deque(maxlen=KEPT)

    def add(self, request_id: bytes, status: int, error: str) -> None:
        """A request was answered with this status, since `error`; "": nobody said why."""
        name = log_text(request_id)
        self._latest.appendleft(Failure(self._clock(), name, status, error or _UNTOLD))

    def latest(self) -> list[Failure]:
        """The last one first."""
        return list(self._latest)
