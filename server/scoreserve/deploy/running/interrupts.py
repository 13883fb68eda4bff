"""Ctrl-C waits until what has been begun is done; what else ends a program is treated as it is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_LIKE_CTRL_C = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def undone_when_ended() -> Iterator[None]:
    """SIGTERM, and SIGHUP of a terminal that is closed, raise KeyboardInterrupt in the block, so
    that what was begun is undone; unless they are ignored, as by nohup.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    plain = [each for each in _LIKE_CTRL_C if signal.getsignal(each) is signal.SIG_DFL]
    for each in plain:
        signal.signal(each, signal.default_int_handler)
    try:
        yield
    finally:
        for each in plain:
            signal.signal(each, signal.SIG_DFL)


class _Note:
    """A handler that notes whether the signal came."""

    came = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True


@contextmanager
def deferred() -> Iterator[None]:
    """Raises KeyboardInterrupt after the block instead of in it; of blocks in each other, after the
    outer one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    note, before = _Note(), {}
    for each in (signal.SIGINT, *_LIKE_CTRL_C):
        if (
            signal.getsignal(each) is signal.default_int_handler
        ):  # not ignored, nor deferred already
            before[each] = signal.signal(each, note)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    if note.came:
        raise KeyboardInterrupt
