"""Ctrl-C waits until what has been begun is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not in_main_thread or isinstance(signal.getsignal(signal.SIGINT), _Note):
        yield
        return
    note = _Note()
    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if note.came:
        raise KeyboardInterrupt
