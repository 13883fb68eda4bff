"""SCORING_TIMEOUT_MS on the worker's main thread: raises OutOfTime in a run() that takes longer.

    the main thread    notes until when the call may take, and calls run()
    a watching thread  sleeps until then, and sends a signal, whose handler raises

The signal is one that nothing else uses. SIGALRM and the timer behind it are the script's: a
handler that it sets, wherever that is, is in force, and no limit of ours rings into it.

Setting a timer for each run() costs more than a fast run() itself. The watching thread costs next
to nothing: it sleeps on from one call into the next, which has its whole time before it, and looks
again then. It is woken only by a call that is to end before.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import builtins
import math
import signal
import sys
import time
from _thread import allocate_lock, start_new_thread  # before a script can replace them
from collections.abc import Callable
from threading import get_ident
from types import FrameType, TracebackType
from typing import Any, Final

from mypy_extensions import mypyc_attr

SIGNAL: Final = int(getattr(signal, "SIGRTMAX", signal.SIGVTALRM))
_LENT_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 0.1  # until a call that is over its time is told so once more
_PAUSE_SECONDS: Final = 3600.0  # of the watching thread, where there is no call
_SIGALRM: Final = int(signal.SIGALRM)
_NO_HANDLER: Final = int(signal.SIG_DFL)


@mypyc_attr(native_class=False)
class OutOfTime(TimeoutError):
    """SCORING_TIMEOUT_MS is over. Any other TimeoutError is the script's own."""


# What a script that catches it sees, and its log, is what the reference raises.
for _name, _value in (
    ("__name__", "TimeoutError"),
    ("__qualname__", "TimeoutError"),
    ("__module__", "builtins"),
):
    setattr(OutOfTime, _name, _value)  # mypyc knows no other way


def is_out_of_time(error: BaseException) -> bool:
    """Whether it is an OutOfTime, or a group of exceptions that holds one (Python 3.11)."""
    if isinstance(error, OutOfTime):
        return True
    group: Any = getattr(builtins, "BaseExceptionGroup", ())
    return isinstance(error, group) and any(map(is_out_of_time, error.exceptions))


class Alarm:
    """`with alarm:` around a call of at most `seconds`, or `with alarm.after(spent):` around one
    whose requests have had so many seconds already; 0: no limit. Main thread only. `clock` tells
    the time in seconds. It rings once it is watched.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds or math.inf
        self._clock = clock
        self._spent = 0.0
        self.until = math.inf  # the call in hand may take, or the next one
        self.watched_at = math.inf  # the next time, unless the watching thread is woken
        self.stopped_a_loop = False  # instead of raising OutOfTime into the call in hand
        # What init() has started goes on. What run() leaves behind is stopped, see `__exit__`.
        self._timer_is_kept = signal.getitimer(signal.ITIMER_REAL)[0] > 0
        signal.signal(SIGNAL, self._ring)

    def watch(self) -> Alarm:
        """Itself, watched from now on, in the place of any other."""
        _watcher.watch(self, get_ident())
        return self

    def after(self, spent: float) -> Alarm:
        """The alarm for a call whose requests have had `spent` seconds of run() already."""
        self._spent = spent
        return self

    def left(self) -> float:
        """The seconds that the call in hand still has; infinity: no limit, or no call."""
        return self.until - self._clock()

    def lend(self) -> float:
        """What is left to the call in hand, for an event loop that sees to it. This alarm is for a
        loop that is held up: it rings a little later, unless it is disarmed.
        """
        left = self.left()
        self.until += _LENT_SECONDS
        return left

    def resume(self, until: float) -> None:
        """Another call goes on, which may take until then."""
        self.until = until
        if until < self.watched_at:
            _watcher.wake()

    def watch_again_in(self, seconds: float) -> None:
        """Is told by the watching thread."""
        self.watched_at = self._clock() + seconds

    def disarm(self) -> None:
        """Lets the call in hand end in its own time: it has been told."""
        self.until = math.inf

    def __enter__(self) -> None:
        self.until = self._clock() + self._seconds - self._spent
        self.stopped_a_loop = False
        self._spent = 0.0
        if self.until < self.watched_at:
            _watcher.wake()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.until = math.inf
        if _signal.getsignal(_SIGALRM) != _NO_HANDLER:
            self._stop_timer()

    def _stop_timer(self) -> None:
        """Stops a time limit of the script's that it set and forgot, as the reference does: it
        would ring into another call. A timer that rings again and again is meant to.
        """
        left, interval = signal.getitimer(signal.ITIMER_REAL)
        if left and not interval and not self._timer_is_kept:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, signal_number: int, frame: FrameType | None) -> None:
        if self.left() <= 0:
            self.until = math.inf
            self.stopped_a_loop = _stop_loop()
            if not self.stopped_a_loop:
                raise OutOfTime


def _stop_loop() -> bool:
    """Stops the event loop that the script runs, if that waits and is written in C, such as uvloop:
    what is raised there is lost. Its `run_until_complete` then raises.
    """
    asyncio: Any = sys.modules.get("asyncio")
    try:
        loop = asyncio.get_running_loop()
        waits = asyncio.current_task(loop) is None
    except (AttributeError, RuntimeError):  # asyncio is not imported, or no loop runs
        return False
    if not waits or type(loop).__module__.startswith("asyncio."):
        return False
    loop.stop()
    return True


class _Watcher:
    """The watching thread of this process."""

    def __init__(self) -> None:
        self._alarm: Alarm | None = None
        self._main_thread = 0  # that is to be interrupted
        self._waking = allocate_lock()  # let go of, it ends the thread's sleep
        self._waking.acquire()

    def watch(self, alarm: Alarm, thread: int) -> None:
        started = self._alarm is not None
        self._alarm, self._main_thread = alarm, thread
        if started:
            self.wake()
        else:
            start_new_thread(self._run, ())

    def wake(self) -> None:
        if self._waking.locked():
            self._waking.release()

    def _run(self) -> None:
        while True:
            alarm = self._alarm
            assert alarm is not None
            until = alarm.until
            left = alarm.left()
            if left <= 0:
                # Time and again: a signal just before a call that blocks does not interrupt it.
                signal.pthread_kill(self._main_thread, SIGNAL)
                left = _AGAIN_SECONDS
            pause = min(left, _PAUSE_SECONDS)
            alarm.watch_again_in(pause)
            # Whoever changes it from now on sees whether this thread must be woken.
            if alarm.until == until:
                self._waking.acquire(timeout=pause)


_watcher: Final = _Watcher()
