"""stdout and stderr that neither fail nor wait for ever, whatever is behind them. Every process.

    print, logging, access log → Stream → Sink → file descriptor 1 or 2

A log that cannot be written is no reason to fail a request: on a full disk, a pipe whose reader has
ended or a closed descriptor, what is written is lost. So it is on a pipe, a socket (systemd's
journal) or a terminal that nobody reads, once it has been full for a moment, until there is room
again. Lines of up to 4 kB on a pipe are never torn.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import stat
import sys
import weakref
from collections.abc import Callable
from typing import Any, BinaryIO, cast

FRONT_PATIENCE_SECONDS = 0.2  # health is to be answered within a second
_LONGEST_LINE_BYTES = 1 << 20  # that wait for their end
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
        self._is_pipe = False
        self._put = self._writer(descriptor)
        self._patience_ms = patience_seconds * 1000
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
                self._put(memoryview(b"\n"))
                self._cut = False
            while left:
                left = left[self._write(left) :]
            self._losing = False
        except OSError:
            self._cut = self._cut or len(left) < size
        return size

    def _write(self, data: memoryview) -> int:
        """Raises BlockingIOError when there is no room."""
        if self._is_pipe and len(data) > select.PIPE_BUF:
            # What is no longer is written as a whole or not at all, so that lines of several
            # processes are not torn.
            data = data[: select.PIPE_BUF]
            data = data[: bytes(data).rfind(b"\n") + 1 or select.PIPE_BUF]
        try:
            return self._put(data)
        except BlockingIOError:
            if self._losing or not self._poll.poll(self._patience_ms):
                self._losing = True
                raise
            return 0

    def _writer(self, descriptor: int) -> Callable[[memoryview], int]:
        """What writes to what is behind the descriptor, without blocking where that can be had.

        Other programs use the same pipe, terminal or socket, and would be surprised if it did not
        block for them. So a pipe and a terminal are opened anew, and a socket is told with each
        write.
        """
        kind = 0
        with contextlib.suppress(OSError):
            kind = os.fstat(descriptor).st_mode
        self._is_pipe = stat.S_ISFIFO(kind)
        own = descriptor
        if self._is_pipe or (stat.S_ISCHR(kind) and os.isatty(descriptor)):
            with contextlib.suppress(OSError):
                flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY
                own = os.open(f"/proc/self/fd/{descriptor}", flags)
        self._poll = select.poll()
        self._poll.register(own, select.POLLOUT)
        if stat.S_ISSOCK(kind):
            import socket

            connection = socket.socket(fileno=os.dup(descriptor))
            weakref.finalize(self, connection.close)
            return lambda data: connection.send(data, socket.MSG_DONTWAIT)
        return lambda data: os.write(own, data)


class Stream(io.TextIOWrapper):
    """Text for a sink, in whole lines. A script that closes it does so for itself only: the
    server's loggers hold the same one.
    """

    def __init__(self, sink: Sink) -> None:
        # Nothing that is logged may fail for a character that the locale lacks. The sink takes all
        # it is given: a buffer between would cut lines where it is full.
        super().__init__(
            cast("BinaryIO", sink),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        self._CHUNK_SIZE = _LONGEST_LINE_BYTES

    def close(self) -> None:
        self.flush()


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
