"""Ctrl-C waits until what has been begun is done; what else ends a program is treated as it is."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

_LIKE_CTRL_C = (signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], object] | signal.Handlers


@contextmanager
def undone_when_ended() -> Iterator[None]:
    """SIGTERM, and SIGHUP of a terminal that is closed, raise KeyboardInterrupt in the block, so
    that what was begun is undone; unless they are ignored, as by nohup.
    """
    with _replaced(_LIKE_CTRL_C, signal.SIG_DFL, signal.default_int_handler):
        yield


class _Note:
    """A handler that notes whether the signal came."""

    came = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.came = True


@contextmanager
def deferred() -> Iterator[None]:
    """Raises KeyboardInterrupt after the block instead of in it; of blocks in each other, after the
    outer one. What is ignored stays so.
    """
    note = _Note()
    with _replaced((signal.SIGINT, *_LIKE_CTRL_C), signal.default_int_handler, note):
        yield
    if note.came:
        raise KeyboardInterrupt


@contextmanager
def _replaced(signals: Iterable[signal.Signals], before: Handler, now: Handler) -> Iterator[None]:
    """In the block, those of the signals that have the handler `before` have this one. Elsewhere
    than on the main thread nothing can be changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    changed = [each for each in signals if signal.getsignal(each) is before]
    for each in changed:
        signal.signal(each, now)
    try:
        yield
    finally:
        for each in changed:
            signal.signal(each, before)
