"""The time limit of run(): the process is ended, since nothing else stops any code. Azure's way.

A thread looks every now and then, writes what the script is doing, and ends the process with exit
code 71. Where C code holds the GIL, no thread of Python's goes on: so the thread leaves word with
faulthandler, whose own thread needs none, to end the process a little later.
"""

from __future__ import annotations

import faulthandler
import math
import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType

from scoreserve.batch.work import EXIT_TIMEOUT

_LOOK_SECONDS = 0.25
_GRACE_SECONDS = 5.0


def _nobody() -> None:
    """For whoever need not know."""


class Watchdog:
    """`with watchdog:` around each call of run(), which may take so many seconds; 0: no limit.

    `told` is called before the process ends.
    """

    def __init__(self, seconds: float, told: Callable[[], None] = _nobody) -> None:
        self._seconds = seconds or math.inf
        self._told = told
        self._until = math.inf
        self._has_left_word = False
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        self._until = time.monotonic() + self._seconds
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._lock:
            self._until = math.inf
            if self._has_left_word:
                faulthandler.cancel_dump_traceback_later()
                self._has_left_word = False

    def _run(self) -> None:
        while True:
            time.sleep(min(_LOOK_SECONDS, self._seconds / 4))
            with self._lock:
                left = self._until - time.monotonic()
                if left <= 0:
                    self._end()
                if left < math.inf:
                    # Each word takes the place of the last.
                    faulthandler.dump_traceback_later(
                        left + _GRACE_SECONDS, exit=True, file=sys.__stderr__ or 2
                    )
                    self._has_left_word = True

    def _end(self) -> None:
        print(
            f"run() takes more than {self._seconds:g} s: the process is ended. It is here:",
            file=sys.stderr,
            flush=True,
        )
        faulthandler.dump_traceback(file=sys.__stderr__ or 2)
        self._told()
        os._exit(EXIT_TIMEOUT)
