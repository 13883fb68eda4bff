"""stdout and stderr that neither fail nor wait for ever, whatever is behind them. Every process.

    print, logging, access log → Stream → Sink → file descriptor 1 or 2

A log that cannot be written is no reason to fail a request: on a full disk, a pipe whose reader has
ended or a closed descriptor, what is written is lost. So it is on a pipe that nobody reads, once it
has been full for a moment, until there is room again.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import stat
import sys
from typing import Any

FRONT_PATIENCE_SECONDS = 0.2  # health is to be answered within a second
WORKER_PATIENCE_SECONDS = 1.0  # it waits alone


def install(patience_seconds: float) -> None:
    """Makes this process's stdout and stderr such streams, unless something has replaced them.

    A full pipe is waited for so many seconds. Files opened later never take the place of stdin,
    stdout or stderr, even if the process was started without them.
    """
    for descriptor in (0, 1, 2):
        if not _is_open(descriptor):
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            os.set_inheritable(descriptor, True)
    if sys.stdout is sys.__stdout__:
        sys.stdout = Stream(Sink(1, patience_seconds))
    if sys.stderr is sys.__stderr__:
        sys.stderr = Stream(Sink(2, patience_seconds))


class Sink(io.RawIOBase):
    """Takes all bytes, and writes to `descriptor` those that it can."""

    def __init__(self, descriptor: int, patience_seconds: float) -> None:
        self._shown = descriptor
        self._descriptor = _own(descriptor)
        self._patience_ms = patience_seconds * 1000
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLOUT)
        self._losing = False
        self._cut = False  # a part of what came last is lost, the end of its line too

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._shown

    def isatty(self) -> bool:
        return os.isatty(self._shown)

    def write(self, data: Any) -> int:
        left = memoryview(data)
        size = len(left)
        try:
            if self._cut:
                os.write(self._descriptor, b"\n")
                self._cut = False
            while left:
                left = left[self._write(left) :]
            self._losing = False
        except OSError:
            self._cut = self._cut or len(left) < size
        return size

    def _write(self, data: memoryview) -> int:
        """Raises BlockingIOError when there is no room."""
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            if self._losing or not self._poll.poll(self._patience_ms):
                self._losing = True
                raise
            return 0


class Stream(io.TextIOWrapper):
    """Text for a sink, a line at a time. A script that closes it does so for itself only: the
    server's loggers hold the same one.
    """

    def __init__(self, sink: Sink) -> None:
        # Nothing that is logged may fail for a character that the locale lacks.
        super().__init__(
            io.BufferedWriter(sink),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )

    def close(self) -> None:
        self.flush()


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _own(descriptor: int) -> int:
    """A descriptor of what is behind this one that does not block, where it is a pipe: one of its
    own, since other programs use the same pipe and would be surprised.
    """
    with contextlib.suppress(OSError):
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return os.open(f"/proc/self/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK)
    return descriptor
