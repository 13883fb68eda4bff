"""A process that ends with the one that started it, whatever it is doing then. Linux."""

from __future__ import annotations

import os
import sys

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def end_with_parent(number: int, parent: int) -> None:
    """Has the kernel send this process the signal `number` when the thread that started it ends.
    `parent` is the id of its process, asked for before it could be gone.

    ctypes takes milliseconds to import, so this is not for the first moments of a process.
    """
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the kernel knew
        os.kill(os.getpid(), number)
