"""SCORING_TIMEOUT_MS on the worker's main thread: raises TimeoutError in a run() that takes longer.

Setting the timer of the process costs two system calls a run(), more than a fast run() itself. So
the timer is left to run from one call into the next: when it rings, the call in hand has either had
its time, or the timer is set again for what is left of it.
"""

from __future__ import annotations

import signal
import time
from types import FrameType, TracebackType


class Alarm:
    """`with alarm:` around a call of at most `seconds`. Main thread only."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._started: float | None = None  # of the call in hand, by time.monotonic
        self._set = False
        signal.signal(signal.SIGALRM, self._ring)

    def __enter__(self) -> None:
        self._started = time.monotonic()
        if not self._set:
            self._set = True
            signal.setitimer(signal.ITIMER_REAL, self._seconds)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._started = None

    def _ring(self, signal_number: int, frame: FrameType | None) -> None:
        self._set = False
        if self._started is None:
            return  # between two calls: the next one sets it
        left = self._seconds - (time.monotonic() - self._started)
        if left <= 0:
            self._started = None
            raise TimeoutError
        self._set = True
        signal.setitimer(signal.ITIMER_REAL, left)
