"""What health and metrics tell of the workers: plain values, made when they are asked for."""

from __future__ import annotations

from typing import NamedTuple

# The states of a worker, as they are told.
STARTING, READY, BUSY, STOPPING = "starting", "ready", "busy", "stopping"
STATES = (STARTING, READY, BUSY, STOPPING)


class WorkerSnapshot(NamedTuple):
    """One worker. `busy_seconds` is how long it has been at the job it is running, if any;
    `answered` is how many requests it has answered.
    """

    pid: int
    state: str
    seconds: float  # since its process was started
    busy_seconds: float | None
    answered: int


class Death(NamedTuple):
    """The last worker that died. `text` goes on from "The scoring worker ..."."""

    reason: str
    text: str
    pid: int
    seconds_ago: float


class PreloadSnapshot(NamedTuple):
    """Where preloading stands: on, starting or off, and why it is off. `template` is the id of the
    process of which workers are forked.
    """

    state: str
    reason: str
    template: int | None


class WorkersSnapshot(NamedTuple):
    """The workers of a server now, and what became of them since the front started."""

    states: dict[str, int]  # how many workers, by state; every state is there
    stage: str  # what the oldest starting worker is doing, and for how long; "" and 0: none is
    stage_seconds: float
    workers: list[WorkerSnapshot]
    deaths: dict[str, int]  # how many, by reason; every reason is there
    last_death: Death | None
    inits: int  # how many workers became ready, the seconds that took in all, and the last of them
    init_seconds_total: float
    init_seconds_last: float
    reloads: dict[str, int]  # how many: "ok", "failed"
    last_reload: str  # what came of it; "" before the first
    last_reload_seconds_ago: float | None
    preload: PreloadSnapshot | None = None  # if it is asked for
