"""How a worker process came to its end: a reason for machines, words for people. Pure."""

from __future__ import annotations

import signal
from typing import NamedTuple

from scoreserve.errors import ReplyError

SIGNAL, EXIT, OOM = "signal", "exit", "oom"
SCORING_TIMEOUT, WORKER_TIMEOUT, INIT_TIMEOUT = "scoring_timeout", "worker_timeout", "init_timeout"
BOOT_FAILED = "boot_failed"

REASONS = (SIGNAL, EXIT, OOM, SCORING_TIMEOUT, WORKER_TIMEOUT, INIT_TIMEOUT, BOOT_FAILED)


class Exceeded(NamedTuple):
    """A time limit that a worker is ended for. `error` is what the request it was running gets."""

    reason: str
    error: ReplyError


class End(NamedTuple):
    """The end of a worker. `text` goes on from "The scoring worker ..."."""

    reason: str  # one of REASONS
    text: str


def end_of(
    exit_code: int, *, exceeded: Exceeded | None, boot_failed: bool, out_of_memory: bool | None
) -> End:
    """The end of a process with that exit code (negative: the signal's number), given what is known
    besides: the limit it was ended for, that it said it could not start, or that the system killed
    it for want of memory (None: that cannot be seen).
    """
    if exceeded is not None:
        return End(exceeded.reason, f"was ended: {exceeded.error.message.rstrip('.')}")
    if boot_failed:
        return End(BOOT_FAILED, "could not start")
    if exit_code >= 0:
        return End(EXIT, f"exited with code {exit_code}")
    name = _signal_name(-exit_code)
    if out_of_memory:
        return End(OOM, f"was killed by {name}: the container's memory limit was reached")
    guess = " (out of memory?)" if -exit_code == signal.SIGKILL and out_of_memory is None else ""
    return End(SIGNAL, f"was killed by {name}{guess}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
