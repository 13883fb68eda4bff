"""What processes use, read from /proc. Where there is none, nothing is known."""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Iterable
from typing import NamedTuple

_CPU_FIELDS = slice(11, 15)  # utime, stime, and those of waited-for children, behind the name


class Usage(NamedTuple):
    """CPU seconds, resident bytes and open file descriptors."""

    cpu_seconds: float = 0.0
    resident_bytes: int = 0
    open_fds: int = 0


def usage(pids: Iterable[int]) -> Usage | None:
    """The sum over these processes; one that is gone counts nothing. None without a /proc."""
    if not os.path.exists("/proc/self/stat"):
        return None
    each = [_usage_of(pid) for pid in pids]
    return Usage(
        sum(one.cpu_seconds for one in each),
        sum(one.resident_bytes for one in each),
        sum(one.open_fds for one in each),
    )


def resident_bytes(pid: int) -> int | None:
    """The resident memory of this process, or None where that cannot be known."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return None


def ended_children_cpu_seconds() -> float:
    """What children of this process used that have ended and were waited for."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _usage_of(pid: int) -> Usage:
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return Usage(
            sum(map(int, fields[_CPU_FIELDS])) / os.sysconf("SC_CLK_TCK"),
            resident_bytes(pid) or 0,
            len(os.listdir(f"/proc/{pid}/fd")),
        )
    return Usage()
