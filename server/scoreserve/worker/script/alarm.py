"""SCORING_TIMEOUT_MS on the worker's main thread: raises TimeoutError in a run() that takes longer.

Setting and clearing the process's timer for each run() costs more than a fast run() itself. So the
timer is left to run from one call into the next: when it rings, the call in hand has either had its
time, or the timer is set again for what is left of it.

A script may use the timer and the signal for itself. So whether the timer still runs is asked, not
remembered, but once in a millisecond only: a call that begins within one of the script's doing, and
takes too long, is ended by the front (`front.time_limits`).
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Final

_AT_ONCE: Final = 1e-6  # seconds: 0 would switch the timer off
_ASK_SECONDS: Final = 1e-3


class Alarm:
    """`with alarm:` around a call of at most `seconds`, or `with alarm.after(spent):` around one
    whose requests have had so many seconds already. Main thread only. `clock` tells the time in
    seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._started: float | None = None  # of the call in hand
        self._spent = 0.0
        self._ask_at = 0.0  # whether the timer still runs
        self._handler = self._ring
        signal.signal(signal.SIGALRM, self._handler)

    def after(self, spent: float) -> Alarm:
        """The alarm for a call whose requests have had `spent` seconds of run() already."""
        self._spent = spent
        return self

    def __enter__(self) -> None:
        spent, self._spent = self._spent, 0.0
        now = self._clock()
        self._started = now - spent
        if now < self._ask_at and not spent:
            return
        self._ask_at = now + _ASK_SECONDS
        left = signal.getitimer(signal.ITIMER_REAL)[0]
        if not left or (spent and left > self._seconds - spent):
            signal.signal(signal.SIGALRM, self._handler)
            signal.setitimer(signal.ITIMER_REAL, max(self._seconds - spent, _AT_ONCE))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._started = None

    def _ring(self, signal_number: int, frame: FrameType | None) -> None:
        self._ask_at = 0.0
        if self._started is None:
            return  # between two calls: the next one sets it
        left = self._seconds - (self._clock() - self._started)
        if left <= 0:
            self._started = None
            raise TimeoutError
        signal.setitimer(signal.ITIMER_REAL, left)
