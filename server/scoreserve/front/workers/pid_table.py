"""What the arbiter still finds when a front is gone: the ids of its workers, and if it ever served.

A worker whose front is gone ends itself (`worker/pipe.py`), unless C code keeps the GIL from the
thread that would do so. Hence the arbiter ends what a front leaves behind.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import signal
import struct
from collections.abc import Sequence

_COUNT = struct.Struct("I")
_PID_BYTES = struct.calcsize("I")
_MOST = (mmap.PAGESIZE - _COUNT.size) // _PID_BYTES


class WorkerPids:
    """Made by the arbiter, before it forks the front: both see the same page of memory."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self._served = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def served(self) -> bool:
        """Whether the front has ever listened."""
        return bool(self._served[0])

    def note_served(self) -> None:
        """The front listens. Its side."""
        self._served[0] = 1

    def write(self, pids: Sequence[int]) -> None:
        """These are the workers now. The front's side."""
        kept = pids[:_MOST]
        struct.pack_into(f"{len(kept) + 1}I", self._page, 0, len(kept), *kept)

    def end_all(self) -> None:
        """Kills those that still are, with what they have started. The arbiter's side."""
        (count,) = _COUNT.unpack_from(self._page)
        for pid in struct.unpack_from(f"{count}I", self._page, _COUNT.size):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)  # each leads a process group of its own
