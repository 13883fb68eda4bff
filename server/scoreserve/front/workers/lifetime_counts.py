"""Counts what became of the workers since the front started, and makes the report on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from scoreserve.front.workers.exit_reasons import REASONS, End
from scoreserve.front.workers.rolling_reload import RollingReload
from scoreserve.front.workers.snapshot import (
    STARTING,
    STATES,
    Death,
    WorkerSnapshot,
    WorkersSnapshot,
)
from scoreserve.front.workers.worker_process import WorkerProcess


class LifetimeCounts:
    """Deaths by reason, and how long start-ups took."""

    def __init__(self) -> None:
        self._deaths = dict.fromkeys(REASONS, 0)
        self._last_death: tuple[End, int, float] | None = None  # the end, the process id, when
        self._inits = 0
        self._init_seconds_total = 0.0
        self._init_seconds_last = 0.0

    def started(self, seconds: float) -> None:
        """A worker became ready, so many seconds after its process was started."""
        self._inits += 1
        self._init_seconds_total += seconds
        self._init_seconds_last = seconds

    def died(self, end: End, pid: int, now: float) -> None:
        """A worker died."""
        self._deaths[end.reason] += 1
        self._last_death = end, pid, now

    def snapshot(
        self, workers: Iterable[WorkerProcess], reload: RollingReload, now: float
    ) -> WorkersSnapshot:
        """These workers, at that time."""
        by_age = sorted(workers, key=lambda worker: worker.started)
        count = Counter(worker.state_shown for worker in by_age)
        starting = next((w for w in by_age if w.state_shown == STARTING), None)
        return WorkersSnapshot(
            states={state: count[state] for state in STATES},
            stage=starting.stage if starting else "",
            stage_seconds=now - starting.started if starting else 0.0,
            workers=[_snapshot_of(worker, now) for worker in by_age],
            deaths=dict(self._deaths),
            last_death=self._death(now),
            inits=self._inits,
            init_seconds_total=self._init_seconds_total,
            init_seconds_last=self._init_seconds_last,
            reloads=dict(reload.counts),
            last_reload=reload.last,
            last_reload_seconds_ago=now - reload.ended if reload.last else None,
        )

    def _death(self, now: float) -> Death | None:
        if self._last_death is None:
            return None
        end, pid, when = self._last_death
        return Death(end.reason, end.text, pid, now - when)


def _snapshot_of(worker: WorkerProcess, now: float) -> WorkerSnapshot:
    busy = None if worker.busy_since is None else now - worker.busy_since
    seconds = now - worker.started
    return WorkerSnapshot(worker.pid, worker.state_shown, seconds, busy, worker.answered)
