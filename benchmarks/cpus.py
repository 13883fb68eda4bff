"""Who runs where."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Cpus:
    """CPU numbers of the servers and of the load."""

    servers: list[int]
    load: list[int]

    @property
    def shared(self) -> bool:
        """Whether the load takes time from the servers."""
        return bool(set(self.servers) & set(self.load))


def divide_cpus(available: list[int], for_servers: int) -> Cpus:
    """The last CPUs to the servers, the others to the load; shared when none is left over."""
    servers = available[-for_servers:]
    load = [cpu for cpu in available if cpu not in servers]
    return Cpus(servers=servers, load=load or available)


def available_cpus() -> list[int]:
    """The numbers of the CPUs that this process may use."""
    return sorted(os.sched_getaffinity(0))
