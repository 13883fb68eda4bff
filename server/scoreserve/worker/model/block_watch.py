"""Notices a call of run() that blocks (a lock, a sleep, I/O) while others could go on.

A thread looks at the main thread now and then. When that has used no CPU for a while, a signal
interrupts what it waits for, and the handler lets the others go on first. What was interrupted then
waits on, as Python has it for signals (PEP 475). So a lock that another call holds is no deadlock.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

_SIGNAL = getattr(signal, "SIGRTMIN", signal.SIGUSR2)
_BLOCKED_SECONDS = 0.05
_IDLE_SHARE = 0.2  # of a CPU: who uses less waits


class BlockWatch:
    """Calls `blocked` on the main thread, in a signal's handler, where that blocks while it is
    watched. `segment` is to be counted up with each turn of what it does.
    """

    def __init__(self, blocked: Callable[[], None]) -> None:
        self.segment = 0
        self._blocked = blocked
        self._watched = threading.Event()
        self._main = threading.main_thread().ident or 0
        self._started = False

    def begin(self) -> None:
        """From now on the main thread is watched."""
        if not self._started:
            self._started = True
            if hasattr(time, "pthread_getcpuclockid"):
                signal.signal(_SIGNAL, self._ring)
                threading.Thread(target=self._watch, name="block watch", daemon=True).start()
        self._watched.set()

    def end(self) -> None:
        """It is watched no longer."""
        self._watched.clear()

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._watched.is_set():
            self._blocked()

    def _watch(self) -> None:
        clock = time.pthread_getcpuclockid(self._main)
        while True:
            self._watched.wait()
            segment, since, used = self.segment, time.monotonic(), time.clock_gettime(clock)
            time.sleep(_BLOCKED_SECONDS)
            seconds = time.monotonic() - since
            idle = time.clock_gettime(clock) - used < _IDLE_SHARE * seconds
            if idle and self._watched.is_set() and segment == self.segment:
                signal.pthread_kill(self._main, _SIGNAL)
