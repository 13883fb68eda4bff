"""Notices a call of run() that blocks (a lock, a sleep, I/O) while others could go on.

A thread looks at the main thread now and then. When that has neither used a CPU for a while nor
waited for one, a signal interrupts what it waits for, and the handler lets the others go on first.
What was interrupted then waits on, as Python has it for signals (PEP 475). So a lock that another
call holds is no deadlock.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from types import FrameType

_SIGNAL = getattr(signal, "SIGRTMIN", signal.SIGUSR2)
_BLOCKED_SECONDS = 0.05
_IDLE_SHARE = 0.2  # of the time: who uses a CPU, or could use one, for less waits for other things
_ASLEEP = frozenset("SD")  # states of a thread, see proc(5)


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
            segment, since = self.segment, time.monotonic()
            before = time.clock_gettime(clock) + _queued_seconds()
            time.sleep(_BLOCKED_SECONDS)
            after = time.clock_gettime(clock) + _queued_seconds()
            idle = is_idle(after - before, time.monotonic() - since, _state)
            if idle and self._watched.is_set() and segment == self.segment:
                signal.pthread_kill(self._main, _SIGNAL)


def is_idle(busy_seconds: float, seconds: float, state: Callable[[], str]) -> bool:
    """Whether a thread that has had or wanted a CPU for so long of the time waits for other things;
    `state`: of the thread at this moment. On a crowded machine, or beyond a container's limit, it
    may wait for a CPU all the time, and that is counted only when it gets one.
    """
    return busy_seconds < _IDLE_SHARE * seconds and state() in _ASLEEP


def _queued_seconds() -> float:
    """How long the main thread has waited for a CPU; 0 where the system does not say."""
    try:
        with open("/proc/self/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _state() -> str:
    """The main thread's state; asleep where the system does not say."""
    try:
        with open("/proc/self/stat") as file:
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "S"
