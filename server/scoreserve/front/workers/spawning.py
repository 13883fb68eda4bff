"""How workers are started: each is spawned, and loads the script itself.

`Preload` is the other way, and does more of what is named here.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from scoreserve.front.processes.child import Launch, spawn_worker
from scoreserve.front.workers.snapshot import PreloadSnapshot
from scoreserve.front.workers.worker_process import WorkerProcess
from scoreserve.worker_setup import Trial, TrialResult


class Start(NamedTuple):
    """How one worker is started, for which state of the script, and whether it is on trial."""

    launch: Launch
    generation: int
    trial: Trial | None = None


class Spawning:
    """Starts of the workers of one server."""

    def __init__(self) -> None:
        self._generation = 0

    # What the supervisor asks.

    def wanted(self, workers: int) -> int:
        """How many workers there should be now, of as many as there should be in the end."""
        return workers

    @property
    def may_start(self) -> bool:
        """Whether a reload may start a worker now."""
        return True

    def start(self, *, newcomer: bool) -> Start:
        """How the next worker is started; a `newcomer` must have the present state of the script.
        Any other has that too, unless a template of an earlier one is in force.
        """
        return Start(spawn_worker, self._generation)

    def is_outdated(self, worker: WorkerProcess) -> bool:
        """Whether another should take the place of this one, though the script is the same."""
        return False

    def stage(self) -> str:
        """What is done before there can be a worker, or ""."""
        return ""

    def pids(self) -> list[int]:
        """Processes beside the workers."""
        return []

    def snapshot(self) -> PreloadSnapshot | None:
        """For health and metrics."""
        return None

    # What it is told.

    def begin(self, generation: int) -> None:
        """The script is to be loaded, for the first time or anew."""
        self._generation = generation

    def connect(self, loop: asyncio.AbstractEventLoop) -> None:
        """There is an event loop from now on."""

    def worker_tried(self, worker: WorkerProcess, result: TrialResult) -> None:
        """A worker has answered the sample request, or has none."""

    def worker_ready(self, worker: WorkerProcess) -> None:
        """A worker serves."""

    def worker_gone(self, worker: WorkerProcess, text: str, *, was_ready: bool) -> bool:
        """A worker has ended; `text` goes on from "The worker ...". Whether it was on trial."""
        return False

    def reload_ended(self, *, ok: bool) -> None:
        """All workers are of the present script; or it cannot be loaded, and the old ones stay."""

    def look_at_clock(self) -> None:
        """Ends what takes too long. To be called about once a second."""

    async def stop(self, seconds: float) -> None:
        """Ends what there is beside the workers, which are gone, within so many seconds."""
