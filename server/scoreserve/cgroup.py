"""What the container's control group allows and what it has counted; v2 and v1, where readable.

    CPUs        v2 cpu.max, v1 cpu.cfs_quota_us / cpu.cfs_period_us; the least of the group's and
                its ancestors' (a pod's limit is set above the container's)
    memory      v2 memory.max, v1 memory.limit_in_bytes; the least again
    OOM kills   v2 memory.events, v1 memory.oom_control: `oom_kill N`

A container mostly sees its own group at the mount point itself, whatever /proc/self/cgroup calls
it; so a group is looked for under its path, then under each of the path's parents.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_MOUNT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
_NO_LIMIT_BYTES = 1 << 60  # v1 says so with the largest number of pages


class Cgroup:
    """The control group of this process. Other paths than the kernel's are for tests."""

    def __init__(self, mount: Path = _MOUNT, membership: Path = _MEMBERSHIP) -> None:
        self._mount = mount
        self._paths = dict(_memberships(_read(membership)))

    def cpu_limit(self) -> float | None:
        """How many CPUs' time the group may use, or None when there is no limit to be seen."""
        limits = [
            *(_v2_cpus(_read(folder / "cpu.max")) for folder in self._folders("")),
            *(_v1_cpus(folder) for folder in self._folders("cpu")),
        ]
        return min((limit for limit in limits if limit is not None), default=None)

    def memory_limit(self) -> int | None:
        """How many bytes of memory the group may use, or None when there is no limit to be seen."""
        texts = [
            *(_read(folder / "memory.max") for folder in self._folders("")),
            *(_read(folder / "memory.limit_in_bytes") for folder in self._folders("memory")),
        ]
        limits = [int(text) for text in texts if text.isdigit()]
        return min((limit for limit in limits if limit < _NO_LIMIT_BYTES), default=None)

    def oom_kills(self) -> int | None:
        """How many processes of the group were killed for want of memory; None: not to be seen."""
        for controller, name in (("", "memory.events"), ("memory", "memory.oom_control")):
            for folder in self._folders(controller):
                lines = _read(folder / name).splitlines()
                fields = dict(line.partition(" ")[::2] for line in lines)
                if "oom_kill" in fields:
                    return int(fields["oom_kill"])
        return None

    def _folders(self, controller: str) -> Iterator[Path]:
        """Where the group's files may be, its own folder first; `controller` is "" for v2."""
        if controller not in self._paths:
            return
        path = PurePosixPath(self._paths[controller].lstrip("/"))
        for folder in (path, *path.parents) if path.name else (path,):
            yield self._mount / controller / folder


def available_cpus(cgroup: Cgroup | None = None) -> int:
    """How many CPUs this process can keep busy: those it may run on, within its group's limit."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    count = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    limit = (cgroup or Cgroup()).cpu_limit()
    return count if limit is None else max(1, min(count, math.ceil(limit)))


class OomWatch:
    """Tells which killed processes were killed for want of memory, by the group's counter."""

    def __init__(self, cgroup: Cgroup) -> None:
        self._cgroup = cgroup
        self._claimed = 0  # up to here, each kill is explained by a process that is gone

    def mark(self) -> int | None:
        """The counter now, to be kept from the start of a process. None: it cannot be seen."""
        return self._cgroup.oom_kills()

    def claim(self, mark: int | None) -> bool | None:
        """Whether a process that was killed, and started at `mark`, was one of those counted."""
        kills = self._cgroup.oom_kills()
        if mark is None or kills is None:
            return None
        claimed = max(mark, self._claimed)
        if kills <= claimed:
            return False
        self._claimed = claimed + 1
        return True


def _memberships(text: str) -> Iterator[tuple[str, str]]:
    """(controller, path) of /proc/self/cgroup's lines; the controller is "" for v2."""
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            yield controller, path


def _v2_cpus(text: str) -> float | None:
    quota, _, period = text.partition(" ")
    return None if quota in ("", "max") else int(quota) / int(period)


def _v1_cpus(folder: Path) -> float | None:
    quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _read(path: Path) -> str:
    """The text of a kernel's file, or nothing where there is none for us."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
