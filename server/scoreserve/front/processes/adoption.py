"""Orphans of this process's descendants become its own children. Linux.

So a worker that a template has forked, by way of a process that has ended, is the front's child.
And so is whatever else its workers leave behind: that has to be waited for, or it stays a zombie.
"""

from __future__ import annotations

import contextlib
import os
import sys

_PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>


def adopt_orphans() -> bool:
    """Asks the kernel for it. Returns whether it is so from now on."""
    if sys.platform != "linux":
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


class OrphanReaper:
    """Waits for orphans that have ended.

    A child that this process has started is in its session; or it leads one of its own, and is
    waited for as soon as it ends. So an orphan is what is in another session, or leads one and had
    ended by the look before.
    """

    def __init__(self) -> None:
        self._ended: set[int] = set()  # leaders of sessions, by the last look

    def look(self) -> None:
        """To be called about once a second, by the main thread."""
        ours = os.getsid(0)
        ended = set()
        for pid in _children():
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                session = os.getsid(pid)
                if session not in (ours, pid) or pid in self._ended:
                    os.waitpid(pid, os.WNOHANG)
                elif session == pid and _has_ended(pid):
                    ended.add(pid)
        self._ended = ended


def _has_ended(pid: int) -> bool:
    """Whether a child has, which may be waited for after that as before."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return list(map(int, file.read().split()))
    except OSError:  # a kernel that does not tell
        return []
