"""Who goes first where front and workers share a CPU.

The scheduler lets whoever is woken go before whoever runs. So each outcome of a fast script stopped
its worker for the front, which answered, had nothing else to do and slept again, with the caches of
both gone cold: for a scikit-learn model that cost half as much as run(). Under SCHED_BATCH, which
is made to avoid "extra preemptions between the workload's tasks" (sched(7)), a woken front waits
until the worker has done what it holds, 2 ms of work at most (`front.pace`), and then answers all
of it at once.

Another process that uses the CPU is waited for in the same way, for a few milliseconds. Hence only
while workers are busy and their runs so short that they are handed jobs ahead.
"""

from __future__ import annotations

import contextlib
import os

ENOUGH_AHEAD = 500  # jobs handed ahead in a second


class CpuPolicy:
    """The scheduling policy of the thread that makes it, which is the one to call `observe`."""

    def __init__(self) -> None:
        self._ours = _has("SCHED_OTHER")  # whoever started the server with another has reasons
        self._seen = 0
        self._yielding = False

    def observe(self, handed_ahead: int) -> None:
        """To be told each second how many jobs have ever been handed ahead."""
        lately, self._seen = handed_ahead - self._seen, handed_ahead
        yields = lately >= ENOUGH_AHEAD
        if self._ours and yields != self._yielding:
            self._yielding = yields
            _set(0, os.SCHED_BATCH if yields else os.SCHED_OTHER)


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
