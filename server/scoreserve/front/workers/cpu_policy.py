"""Who goes first where front and workers share a CPU.

The scheduler lets whoever is woken go before whoever runs. So each outcome of a fast script stopped
its worker for the front, which answered, had nothing else to do and slept again, with the caches of
both gone cold: for a scikit-learn model that cost half as much as run(). Under SCHED_BATCH, which
is for workloads that want no "extra preemptions" between their tasks (sched(7)), a woken front
waits until the worker has done what it holds, 2 ms of work at most (`front.pace`), and then answers
all of it at once.

Another process that uses the CPU is waited for in the same way, for a few milliseconds. Hence only
while workers are busy and their runs so short that they are handed jobs ahead.
"""

from __future__ import annotations

import contextlib
import os

ENOUGH_AHEAD = 500  # jobs handed ahead in a second


class CpuPolicy:
    """The scheduling policy of the thread that makes it, which is the one to use it."""

    def __init__(self) -> None:
        self._ours = _has("SCHED_OTHER")  # whoever started the server with another has reasons
        self._ahead = 0  # in this second
        self._yielding = False

    def handed_ahead(self, jobs: int) -> None:
        """So many jobs were handed to a worker that has others to do first."""
        self._ahead += jobs
        if self._ours and not self._yielding and self._ahead >= ENOUGH_AHEAD:
            self._yielding = True
            _set(0, os.SCHED_BATCH)

    def second_over(self) -> None:
        """To be called about once a second."""
        if self._yielding and self._ahead < ENOUGH_AHEAD:
            self._yielding = False
            _set(0, os.SCHED_OTHER)
        self._ahead = 0


def drop_inherited(pid: int) -> None:
    """Ends the policy that a worker started by a yielding front has from it."""
    if _has("SCHED_BATCH"):
        _set(pid, os.SCHED_OTHER)


def _has(policy: str) -> bool:
    """Whether this thread has the policy of that name, as far as can be told."""
    try:
        return bool(os.sched_getscheduler(0) == getattr(os, policy))
    except (AttributeError, OSError):  # macOS has none; a sandbox may forbid to ask, or to set
        return False


def _set(pid: int, policy: int) -> None:
    with contextlib.suppress(OSError):  # or the process is gone
        os.sched_setscheduler(pid, policy, os.sched_param(0))
