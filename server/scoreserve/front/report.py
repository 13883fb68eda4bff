"""What the supervisor tells of its workers: to the health routes, and to the metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Death(NamedTuple):
    """A worker's end that nobody asked for. `text` says it for people."""

    reason: str
    text: str
    pid: int
    seconds_ago: float


class WorkerReport(NamedTuple):
    """One worker: how long ago it was started, and for how long it has been at its job."""

    pid: int
    state: str
    seconds: float
    busy_seconds: float | None


class Report(NamedTuple):
    """The workers at one moment. `stage` is what the one that is nearest to being ready does."""

    states: Mapping[str, int]
    stage: str
    stage_seconds: float
    workers: Sequence[WorkerReport]
    deaths: Mapping[str, int]  # by reason
    last_death: Death | None
    inits: int
    init_seconds_total: float
    init_seconds_last: float
    reloads: Mapping[str, int]  # "ok", "failed"
    last_reload: str
