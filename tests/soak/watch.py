"""What the server's processes take: memory and descriptors, from /proc."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.servers import Server, command_line

MEBIBYTE = 1 << 20
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """At one moment; memory is the resident set, in bytes."""

    seconds: float  # since the beginning
    front_bytes: int
    worker_bytes: int  # of the largest worker
    front_descriptors: int


class Watch:
    """Samples of a server's processes, one a second."""

    def __init__(self, server: Server) -> None:
        self.samples: list[Sample] = []
        self._server = server
        self._front = front_of(server)
        self._began = time.monotonic()

    def look(self) -> None:
        workers = [resident_bytes(pid) for pid in self._server.workers()]
        self.samples.append(
            Sample(
                time.monotonic() - self._began,
                resident_bytes(self._front),
                max(workers, default=0),
                self.descriptors(),
            )
        )

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self._front}/fd"))

    def front_growth(self) -> float:
        """By how many bytes the front has grown since a third of the time was over."""
        third = len(self.samples) // 3
        early = self.samples[third : third + _part(self.samples)]
        return median(s.front_bytes for s in self._late()) - median(s.front_bytes for s in early)

    def worker_growth(self) -> float:
        """By how many bytes the largest worker has grown since the faults were over."""
        calm = self.samples[len(self.samples) * 2 // 3 :]
        early = calm[: _part(self.samples)]
        return median(s.worker_bytes for s in self._late()) - median(s.worker_bytes for s in early)

    def _late(self) -> list[Sample]:
        return self.samples[-_part(self.samples) :]


def _part(samples: list[Sample]) -> int:
    return len(samples) // 6 + 1


def resident_bytes(pid: int) -> int:
    """0 for a process that is gone."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    return 0


def front_of(server: Server) -> int:
    """The process that is neither the arbiter nor a worker nor a worker's child."""
    (front,) = [
        pid
        for pid in server.processes()
        if pid != server.process.pid and "scoreserve.worker" not in command_line(pid)
    ]
    return front
