"""Keeps N scoring workers alive and the dispatcher informed. Front process, event loop thread.

spawned ─→ STARTING ─→ READY ─→ GONE ─→ replaced, after a pause that grows while deaths repeat
              └── GONE before any worker was ever READY: the server gives up, exit code 3

It gives up too when replacements fail to start several times in a row, or when workers keep dying
and none has ever answered. Requests that kill their workers are no reason: others are answered.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence

from scoreserve.errors import NotReady, Stopping, WorkerLost
from scoreserve.front.dispatcher import Dispatcher
from scoreserve.front.report import STATES, Death, Report, WorkerReport
from scoreserve.front.scoring_worker import ScoringWorker, Script, State
from scoreserve.front.time_limits import TimeLimits
from scoreserve.settings import Settings
from scoreserve.wire import Outcome

_log = logging.getLogger("azmlinfsrv")

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0
_HOPELESS_DEATHS = 6  # in a row: after about 3 s of pauses
_STOP_GRACE_SECONDS = 0.5  # for idle workers to leave by themselves


class Supervisor:
    """Owns the worker processes. `give_up` is called once when no worker can be had."""

    def __init__(
        self, settings: Settings, dispatcher: Dispatcher, give_up: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._dispatcher = dispatcher
        self._give_up = give_up
        self._limits = TimeLimits(settings)
        self._workers: set[ScoringWorker] = set()
        self._ever_ready = False
        self.script = Script()  # as it was last loaded
        self._stopping = False
        self._ready: set[ScoringWorker] = set()
        self._ever_answered = False
        self._fruitless_deaths = 0  # in a row, with no answer in between
        self._failed_starts = 0  # in a row
        self._last_death = ""
        self._deaths = {"signal": 0, "exit": 0}
        self._death: tuple[Death, float] | None = None  # and when
        self._init_seconds: list[float] = [0, 0.0, 0.0]  # count, sum, last
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_gone = asyncio.Event()

    def spawn(self) -> None:
        """Starts the worker processes, before there is an event loop to talk to them."""
        for _ in range(self._settings.workers):
            self._spawn_one()

    async def start(self) -> None:
        """Starts talking to the spawned workers."""
        for worker in list(self._workers):
            await worker.connect()

    async def stop(self) -> None:
        """Ends every worker: idle ones leave, busy ones are killed after a moment.

        Whatever is still queued or running is answered first.
        """
        self.refuse_all()
        for worker in self._workers:
            worker.stop()
        for _ in range(2):
            if self._workers:
                try:
                    await asyncio.wait_for(self._all_gone.wait(), _STOP_GRACE_SECONDS)
                except asyncio.TimeoutError:
                    for worker in self._workers:
                        worker.kill()

    def refuse_all(self) -> None:
        """Answers every request in hand with 503, and replaces no worker from now on."""
        self._stopping = True
        self._dispatcher.fail_all(Stopping())

    def not_ready(self) -> NotReady | None:
        """Why `/` is not healthy now, or None when a worker takes jobs."""
        if self._dispatcher.workers:
            return None
        if self._last_death:
            return NotReady(f"The scoring worker {self._last_death}; a new one is starting.")
        starting = [worker for worker in self._workers if worker.state is State.STARTING]
        if not starting:
            return NotReady("No scoring worker is running.")
        first = min(starting, key=lambda worker: worker.started)
        elapsed = time.monotonic() - first.started
        return NotReady(f"The scoring worker is {first.stage} ({elapsed:.1f} s so far).")

    def never_ready(self) -> NotReady | None:
        """As `not_ready`, but None for good once a worker was ready: requests then wait for the
        replacement.
        """
        return None if self._ever_ready else self.not_ready()

    def report(self) -> Report:
        """How the workers are now."""
        now = time.monotonic()
        workers = [
            WorkerReport(
                worker.pid,
                _state(worker),
                now - worker.started,
                now - worker.busy_since if worker.busy_since is not None else None,
            )
            for worker in self._workers
        ]
        count = Counter(worker.state for worker in workers)
        stage, stage_seconds = "", 0.0
        starting = [worker for worker in self._workers if worker.state is State.STARTING]
        if starting:
            first = min(starting, key=lambda worker: worker.started)
            stage, stage_seconds = first.stage, now - first.started
        inits, total, last = self._init_seconds
        return Report(
            {state: count[state] for state in STATES},
            stage,
            stage_seconds,
            workers,
            self._deaths,
            self._death and self._death[0]._replace(seconds_ago=now - self._death[1]),
            int(inits),
            total,
            last,
            {},
            "",
        )

    def end_hung_workers(self) -> None:
        """Ends the workers that exceed a time limit. To be called about once a second."""
        now = time.monotonic()
        for worker in self._workers:
            if worker.killed_for is not None or self._stopping:
                continue
            error = None
            if worker.state is State.STARTING:
                error = self._limits.init_exceeded(now - worker.started)
            elif worker.busy_since is not None and not worker.streaming:
                error = self._limits.run_exceeded(now - worker.busy_since)
            if error is not None:
                _log.error("Ending the worker with pid %d: %s", worker.pid, error.message)
                worker.kill_for(error)

    # What a worker reports.

    def worker_ready(self, worker: ScoringWorker) -> None:
        self._ever_ready = True
        self._ready.add(worker)
        count, total, _ = self._init_seconds
        seconds = time.monotonic() - worker.started
        self._init_seconds = [count + 1, total + seconds, seconds]
        self._failed_starts = 0
        self.script = worker.script
        self._dispatcher.batching = worker.script.batching
        self._dispatcher.attach(worker)

    def worker_outcomes(self, worker: ScoringWorker, outcomes: Sequence[Outcome]) -> None:
        self._ever_answered = True
        self._fruitless_deaths = 0
        self._last_death = ""
        self._dispatcher.complete(worker, outcomes)

    def worker_stream_ended(self, worker: ScoringWorker, job_id: int, seconds: float) -> None:
        self._dispatcher.stream_ended(worker, job_id, seconds)

    def worker_gone(self, worker: ScoringWorker) -> None:
        self._workers.discard(worker)
        end = worker.describe_exit()
        self._dispatcher.detach(
            worker,
            worker.killed_for
            or WorkerLost(f"The scoring worker {end} while running this request."),
        )
        if self._stopping:
            if not self._workers:
                self._all_gone.set()
            return
        self._last_death = end
        reason = "signal" if end.startswith("was killed") else "exit"
        self._deaths[reason] += 1
        self._death = Death(reason, end, worker.pid, 0.0), time.monotonic()
        self._fruitless_deaths += 1
        if worker in self._ready:
            self._ready.discard(worker)
        else:
            self._failed_starts += 1
        _log.error("Scoring worker with pid %d %s", worker.pid, end)
        if self._hopeless():
            self._stopping = True
            self._give_up()
        else:
            self._replace()

    def _hopeless(self) -> bool:
        """Whether no worker is to be had, rather than that requests kill the ones there are."""
        if not self._ever_ready:
            return True
        if not self._ever_answered and self._fruitless_deaths >= _HOPELESS_DEATHS:
            return True
        return self._failed_starts >= _HOPELESS_DEATHS

    def _replace(self) -> None:
        repeated = self._fruitless_deaths - 1
        pause = min(_FIRST_PAUSE_SECONDS * 2**repeated, _LONGEST_PAUSE_SECONDS) if repeated else 0.0
        asyncio.get_running_loop().call_later(pause, self._start_replacement)

    def _start_replacement(self) -> None:
        if self._stopping:
            return
        worker = self._spawn_one()
        task = asyncio.get_running_loop().create_task(worker.connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _spawn_one(self) -> ScoringWorker:
        worker = ScoringWorker(self, self._settings.to_json())
        self._workers.add(worker)
        return worker


def _state(worker: ScoringWorker) -> str:
    if worker.stopping:
        return "stopping"
    if worker.state is State.READY:
        return "ready" if worker.busy_since is None else "busy"
    return "starting"
