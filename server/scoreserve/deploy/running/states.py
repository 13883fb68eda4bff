"""The state of a service, in the words of Azure's documentation. Decides only; who asks the engine
and the service passes on what they said.

    created, running ──→ Transitioning ──→ Healthy ←──→ Unhealthy
           │                    │             │             │
           │ (no memory, no GPU)└─────────────┴──→ Failed ←─┘ (the container has exited)
           └──→ Unschedulable
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from scoreserve.deploy.deployment import Resources

_GIB = 1024**3
_KILLED = 128 + 9  # its last words, if it had any, are about something else


class State(str, Enum):
    """As `az ml service show` has it."""

    TRANSITIONING = "Transitioning"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    FAILED = "Failed"
    UNSCHEDULABLE = "Unschedulable"


@dataclass(frozen=True)
class Seen:
    """What the engine says of a container, and the container itself when it is asked.

    `status` is the engine's word, and `ended` whether it is one for an end. `http_status` is that
    of the route for readiness, None where nobody answers. `seconds` is how long it has been
    running.
    """

    status: str
    ended: bool = False
    seconds: float = 0.0
    exit_code: int = 0
    out_of_memory: bool = False
    error: str = ""  # why the engine could not start it
    http_status: int | None = None
    been_healthy: bool = False
    last_words: str = ""  # of its log


@dataclass(frozen=True)
class Verdict:
    """A state, and why it is not Healthy."""

    state: State
    reason: str = ""

    @property
    def is_final(self) -> bool:
        """Whether waiting will not change it."""
        return self.state in (State.HEALTHY, State.FAILED, State.UNSCHEDULABLE)


def judge(seen: Seen, patience_seconds: float) -> Verdict:
    """The state of a container that must be healthy within `patience_seconds` of its start."""
    if seen.error:
        return Verdict(State.UNSCHEDULABLE, seen.error)
    if seen.ended:
        return Verdict(State.FAILED, _end(seen))
    if seen.status == "paused":
        return Verdict(State.UNHEALTHY, "the container is paused")
    if seen.status != "running":
        return Verdict(State.TRANSITIONING, "the container is being created")
    return _running(seen, patience_seconds)


def _running(seen: Seen, patience_seconds: float) -> Verdict:
    if seen.http_status == 200:
        return Verdict(State.HEALTHY)
    answer = "nobody answers" if seen.http_status is None else f"it answers {seen.http_status}"
    if seen.been_healthy:
        return Verdict(State.UNHEALTHY, f"{answer}, but was healthy before")
    if seen.seconds < patience_seconds:
        return Verdict(State.TRANSITIONING, f"starting for {seen.seconds:.0f} s: {answer}")
    return Verdict(
        State.UNHEALTHY, f"not healthy within {patience_seconds:.0f} s of its start: {answer}"
    )


def _end(seen: Seen) -> str:
    if seen.out_of_memory:
        return "it ran out of the memory that it may have"
    if seen.exit_code == _KILLED:  # podman does not always say why
        return "it was killed with SIGKILL, as happens where memory runs out"
    words = f": {seen.last_words}" if seen.last_words else ""
    return f"it ended with exit code {seen.exit_code}{words}"


@dataclass(frozen=True)
class Machine:
    """What the engine's machine has."""

    cpus: int
    memory_bytes: int


def shortage(wanted: Resources, machine: Machine) -> str:
    """Why the machine cannot have a container with these resources; empty where it can. Whether it
    has the GPUs is known when the engine tries.
    """
    if wanted.memory_bytes is not None and wanted.memory_bytes > machine.memory_bytes:
        return (
            f"not enough memory: {wanted.memory_bytes / _GIB:.1f} GiB are asked for, and the"
            f" engine's machine has {machine.memory_bytes / _GIB:.1f} GiB"
        )
    if wanted.cpus is not None and wanted.cpus > machine.cpus:
        return (
            f"not enough CPUs: {wanted.cpus:g} are asked for, and the engine's machine has"
            f" {machine.cpus}"
        )
    return ""
