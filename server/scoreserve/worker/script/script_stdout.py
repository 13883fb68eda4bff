"""The script's stdout: a stream of its own, which it may close, detach or redirect.

The server's loggers have another one. A script that puts another file behind descriptor 1 (`dup2`),
to capture what a C library prints, captures what Python prints there too.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from scoreserve import stdio


def install() -> None:
    """Gives the script its stdout."""
    sys.stdout = stdio.Stream(ScriptSink(1, stdio.WORKER_PATIENCE_SECONDS))


class ScriptSink(stdio.Sink):
    """Writes to what is behind `descriptor` now, and as a log does while that is what it was."""

    def __init__(self, descriptor: int, patience_seconds: float) -> None:
        super().__init__(descriptor, patience_seconds)
        self._behind = _identity(descriptor)

    def is_redirected(self) -> bool:
        """Whether the script has put another file behind the descriptor."""
        return _identity(self.fileno()) not in (self._behind, None)

    def write(self, data: Any) -> int:
        if not self.is_redirected():
            return super().write(data)
        left = memoryview(data)
        size = len(left)
        while left:
            left = left[os.write(self.fileno(), left) :]
        return size


def _identity(descriptor: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(descriptor)
    except OSError:  # it is closed
        return None
    return status.st_dev, status.st_ino
