"""Positions in files that init() has opened for reading, of which forks would share one.

A fork copies descriptors, and not what they stand for: where one process reads, all others read on
from there. So each forked worker opens these files again, at the position where init() has left
them, see open(2), "Open file descriptions". Files that are written to stay as they are: with a
position each, one worker would write over what another has written.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Iterable

_OPENING = os.O_CREAT | os.O_EXCL | os.O_TRUNC  # what flags ask of the opening alone


def make_own(descriptors: Iterable[int]) -> None:
    """Gives each of these that reads a regular file a position of its own. Linux."""
    for descriptor in descriptors:
        # It is closed by now, or this user may not open it: then it is shared as before.
        with contextlib.suppress(OSError):
            _make_own(descriptor)


def _make_own(descriptor: int) -> None:
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    reads = flags & os.O_ACCMODE == os.O_RDONLY
    if not (reads and stat.S_ISREG(os.fstat(descriptor).st_mode)):
        return
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    own = os.open(f"/proc/self/fd/{descriptor}", flags & ~_OPENING)  # even if it was deleted
    try:
        os.lseek(own, position, os.SEEK_SET)
        os.dup2(own, descriptor, inheritable=os.get_inheritable(descriptor))
    finally:
        os.close(own)
