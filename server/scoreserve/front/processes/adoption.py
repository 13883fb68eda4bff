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


def reap_orphans() -> None:
    """Waits for orphans that have ended. To be called now and then, by the main thread.

    A child that this process has started is in its session, or leads one of its own. What is
    neither is an orphan.
    """
    ours = os.getsid(0)
    for pid in _children():
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            if os.getsid(pid) not in (ours, pid):
                os.waitpid(pid, os.WNOHANG)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
            return list(map(int, file.read().split()))
    except OSError:  # a kernel that does not tell
        return []
