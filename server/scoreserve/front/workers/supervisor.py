"""Keeps N scoring workers alive and the dispatcher informed. Front process, event loop thread.

spawned ─→ STARTING ─→ READY ─→ GONE ─→ replaced, after a pause that grows while deaths repeat
              └── GONE before any worker was ever READY: the server gives up, exit code 3

`restart_policy` says when it gives up later, and how long the pauses are. Under --reload it never
gives up: it waits for the script to change. `rolling_reload` decides how a reload goes; what it
starts and retires, it does through here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

from scoreserve.cgroup import Cgroup, OomWatch
from scoreserve.errors import NotReady, Stopping, WorkerLost
from scoreserve.front.messages.log_text import log_text
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.lifetime_counts import LifetimeCounts
from scoreserve.front.workers.restart_policy import RestartPolicy
from scoreserve.front.workers.rolling_reload import RollingReload
from scoreserve.front.workers.snapshot import WorkersSnapshot
from scoreserve.front.workers.spawning import Spawning, Start
from scoreserve.front.workers.start_failures import of_end
from scoreserve.front.workers.time_limits import TimeLimits
from scoreserve.front.workers.worker_process import Script, State, WorkerProcess
from scoreserve.settings import Settings
from scoreserve.start_failure import StartFailure
from scoreserve.wire import Outcome
from scoreserve.worker_setup import TrialResult, WorkerSetup

_log = logging.getLogger("azmlinfsrv")

_WAITS = "The entry script cannot start; the server waits for it to change."
_STOP_GRACE_SECONDS = 0.5  # for workers that are busy
_LEAST_LEAVE_SECONDS = 5  # for a worker that a reload retires


class Supervisor:
    """Owns the worker processes. `give_up` is told why, once, when no worker can be had;
    `keep_pids` is told, whenever it changes, which processes there are.
    """

    def __init__(
        self,
        settings: Settings,
        dispatch: DispatchLoop,
        give_up: Callable[[StartFailure], None],
        keep_pids: Callable[[Sequence[int]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._worker_settings = settings
        self._restarts = RestartPolicy()
        self._dispatch = dispatch
        self._give_up = give_up
        self._keep_pids = keep_pids
        self._clock = clock
        self._limits = TimeLimits(settings)
        self._oom = OomWatch(Cgroup())
        self._counts = LifetimeCounts()
        self._reload = RollingReload(self, settings.workers, clock)
        self._starts = self._ways_to_start()
        self._talking = False  # there is an event loop
        self._workers: set[WorkerProcess] = set()
        self.script = Script()  # as it was last loaded
        self._script_generation = 0
        self._stopping = False
        self._waiting = False  # for the script to change, under --reload
        self._why_waiting = ""  # for clients, where they may know
        self._ready: set[WorkerProcess] = set()
        self._due = 0  # replacements that a pause precedes
        self._last_death = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._all_gone = asyncio.Event()
        # Told what a worker reports of merging.
        self.on_batch_counts: Callable[[WorkerProcess, dict[str, Any]], None] = lambda *_: None
        self.on_report: Callable[[bytes], None] = lambda _: None

    def spawn(self) -> None:
        """Starts the worker processes, before there is an event loop to talk to them."""
        self._starts.begin(self._reload.generation)
        for _ in range(self._starts.wanted(self._settings.workers)):
            self._start_one()

    async def start(self) -> None:
        """Starts talking to the spawned workers."""
        self._talking = True
        self._starts.connect(asyncio.get_running_loop())
        for worker in list(self._workers):
            await worker.connect()

    async def stop(self, seconds: float) -> None:
        """Ends every worker: idle ones leave, and have so many seconds for their atexit handlers
        and threads; busy ones are killed after a moment. A template has what is left of the time.

        Whatever is still queued or running is answered first.
        """
        self.refuse_all()
        deadline = self._clock() + seconds
        for worker in self._workers:
            worker.stop(seconds)
        await self._wait_until_gone(_STOP_GRACE_SECONDS)
        for worker in self._workers:
            if worker.busy_since is not None or worker.state is State.STARTING:
                worker.kill()
        await self._wait_until_gone(max(seconds - _STOP_GRACE_SECONDS, 0.0))
        for worker in self._workers:
            _log.warning("Scoring worker with pid %d did not leave in time", worker.pid)
            worker.kill()
        await self._wait_until_gone(_STOP_GRACE_SECONDS)
        await self._starts.stop(max(0.0, deadline - self._clock()))

    async def _wait_until_gone(self, seconds: float) -> None:
        if self._workers:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._all_gone.wait(), seconds)

    def refuse_all(self) -> None:
        """Answers every request in hand with 503, and replaces no worker from now on."""
        self._stopping = True
        self._dispatch.fail_all(Stopping())

    def reload(self, why: str) -> None:
        """Replaces the workers, one at a time, by ones that load the script and model anew."""
        if not self._stopping:
            self._restarts.reloaded()
            self._worker_settings = self._settings
            self._reload.ask(why)

    def not_ready(self) -> NotReady | None:
        """Why `/` is not healthy now, or None when a worker takes jobs."""
        if self._dispatch.workers:
            return None
        if self._waiting:
            return NotReady(f"{_WAITS}{self._why_waiting}")
        if self._last_death:
            return NotReady(f"The scoring worker {self._last_death}; a new one is starting.")
        first = self._oldest_starting()
        if first is None:
            stage = self._starts.stage()
            before = f" Their template is {stage}." if stage else ""
            return NotReady(f"No scoring worker is running.{before}")
        elapsed = self._clock() - first.started
        return NotReady(f"The scoring worker is {first.stage} ({elapsed:.1f} s so far).")

    def never_ready(self) -> NotReady | None:
        """As `not_ready`, but None once a worker was ready: requests then wait for the replacement,
        unless there will be none.
        """
        return None if self._restarts.ever_ready and not self._waiting else self.not_ready()

    def snapshot(self) -> WorkersSnapshot:
        """The workers now, and what became of them since the front started."""
        snapshot = self._counts.snapshot(self._workers, self._reload, self._clock())
        return snapshot._replace(preload=self._starts.snapshot())

    def end_hung_workers(self) -> None:
        """Ends the workers that exceed a time limit. To be called about once a second."""
        now = self._clock()
        if not self._stopping:
            self._starts.look_at_clock()
        for worker in self._workers:
            if worker.killed_for is not None or self._stopping:
                continue
            limit = None
            if worker.state is State.STARTING:
                limit = self._limits.init_exceeded(now - worker.started)
            elif (stream := worker.stream) is not None:
                if stream.owed_since is not None:
                    owed = now - stream.owed_since
                    limit = self._limits.stream_exceeded(owed, stopped=stream.stopped)
                    if stream.stopped:
                        worker.point_to_stop()
            elif worker.busy_since is not None:
                limit = self._limits.run_exceeded(now - worker.busy_since)
            if limit is not None:
                running = _running(self._dispatch.begun(worker))
                text = limit.error.message
                _log.error("Ending the worker with pid %d%s: %s", worker.pid, running, text)
                worker.kill_for(limit)

    # What a worker reports.

    def worker_ready(self, worker: WorkerProcess) -> None:
        if worker.retiring or self._stopping:
            return
        if not self._restarts.ever_ready:
            _log.info(
                "Ready %.1f s after its start, batching %s",
                self._clock() - worker.started,
                worker.script.batching.told,
            )
        self._restarts.ready()
        self._ready.add(worker)
        self._counts.started(self._clock() - worker.started)
        if worker.generation >= self._script_generation:
            self._script_generation = worker.generation
            self.script = worker.script
            self._dispatch.batching = worker.script.batching
        self._dispatch.attach(worker)
        self._tell_pids()  # of a forked one it is known by now
        self._starts.worker_ready(worker)
        self._reload.ready(worker)
        self._replace()

    def worker_running(self, worker: WorkerProcess, job_ids: Sequence[int]) -> None:
        self._dispatch.began(worker, job_ids)

    def worker_tried(self, worker: WorkerProcess, result: TrialResult) -> None:
        self._starts.worker_tried(worker, result)

    def worker_report(self, payload: bytes) -> None:
        self.on_report(payload)

    def worker_batch_counts(self, worker: WorkerProcess, counts: dict[str, Any]) -> None:
        for _, rows in counts.get("merged", ()):
            self._dispatch.merged(worker, rows)
        self.on_batch_counts(worker, counts)

    def worker_returned(self, worker: WorkerProcess, job_ids: Sequence[int]) -> None:
        self._dispatch.returned(worker, job_ids)

    def worker_outcomes(self, worker: WorkerProcess, outcomes: Sequence[Outcome]) -> None:
        self._restarts.answered()
        self._last_death = ""
        self._dispatch.complete(worker, outcomes)

    def worker_stream_ended(self, worker: WorkerProcess, job_id: int, seconds: float) -> None:
        self._dispatch.stream_ended(worker, job_id, seconds)

    def worker_ending(self, worker: WorkerProcess) -> None:
        self._dispatch.retire(worker)

    def worker_gone(self, worker: WorkerProcess) -> None:
        self._workers.discard(worker)
        self._tell_pids()
        assert worker.end is not None
        text = worker.end.text
        begun = self._dispatch.begun(worker)
        lost = WorkerLost(f"The scoring worker {text} while running this request.")
        error = worker.killed_for.error if worker.killed_for else lost
        merging = len(begun) != 1 and self._dispatch.batching.jobs > 1 and not worker.stopping
        if merging and self._restarts.died_of_merging():
            _log.warning("Batching is off for new workers: too many have died of it")
            self._worker_settings = replace(self._settings, max_batch_size=1)
        self._dispatch.detach(worker, error, again=worker.killed_for is None)
        if self._stopping:
            if not self._workers:
                self._all_gone.set()
            return
        on_trial = self._starts.worker_gone(worker, text, was_ready=worker in self._ready)
        if (worker.stopping or on_trial) and not begun:
            _log.info("Scoring worker with pid %d has left", worker.pid)
        else:
            _log.error("Scoring worker with pid %d %s%s", worker.pid, text, _running(begun))
            self._counts.died(worker.end, worker.pid, self._clock())
            self._died(worker, running=bool(begun))
        self._ready.discard(worker)
        if not self._stopping:
            self._reload.gone(worker)
            self._replace()

    def _died(self, worker: WorkerProcess, *, running: bool) -> None:
        if self._reload.is_newcomer(worker) and self.active_workers():
            return  # a reload that failed: the others go on
        assert worker.end is not None
        self._last_death = worker.end.text
        self._restarts.died(was_ready=worker in self._ready, running=running)
        if not self._restarts.hopeless(self._dispatch.workers):
            return
        why = self._why(worker)
        if self._settings.reload:
            self._wait_for_change(why)
        else:
            self._stopping = True
            self._give_up(why)

    def _why(self, worker: WorkerProcess) -> StartFailure:
        """Why no worker is to be had, of which this one was the last."""
        served = self._restarts.ever_ready
        if worker.start_failure is not None:
            return worker.start_failure._replace(served=served)
        assert worker.end is not None
        return of_end(
            worker.end,
            worker.stage,
            self._settings,
            memory_bytes=Cgroup().memory_limit(),
            served=served,
        )

    def _wait_for_change(self, why: StartFailure) -> None:
        self._waiting = True
        self._why_waiting = f" {why.line}" if self._settings.show_tracebacks else ""
        error = self.not_ready()
        assert error is not None
        _log.error("%s\n%s", _WAITS, why.told)
        self._dispatch.fail_all(error)

    # The workers, as a reload sees them.

    def active_workers(self) -> list[WorkerProcess]:
        return [worker for worker in self._workers if not worker.retiring]

    def is_retiring(self) -> bool:
        return any(worker.retiring for worker in self._workers)

    def start_worker(self) -> WorkerProcess:
        """Starts one more worker, which ends any waiting for the script to change.

        Raises OSError when the system has no process to give.
        """
        return self._start_connected(newcomer=True)

    def _start_connected(self, *, newcomer: bool) -> WorkerProcess:
        self._waiting = False
        worker = self._start_one(newcomer=newcomer)
        self._connect(worker)
        return worker

    def _connect(self, worker: WorkerProcess) -> None:
        task = asyncio.get_running_loop().create_task(worker.connect())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def retire_worker(self, worker: WorkerProcess) -> None:
        self._dispatch.retire(worker)
        worker.retire()

    def may_start(self) -> bool:
        return self._starts.may_start

    def is_outdated(self, worker: WorkerProcess) -> bool:
        return self._starts.is_outdated(worker)

    def reload_begins(self, generation: int) -> None:
        self._starts.begin(generation)

    def reload_ended(self, *, ok: bool) -> None:
        self._starts.reload_ended(ok=ok)

    # The workers, as preloading sees them.

    def start_trial(self, start: Start) -> WorkerProcess:
        worker = self._start(start)
        self._connect(worker)
        return worker

    def templates_changed(self) -> None:
        self._tell_pids()

    def preload_decided(self) -> None:
        if self._talking and not self._stopping:
            self._replace()
            self._reload.replace_outdated()

    # Starting what is missing.

    def _ways_to_start(self) -> Spawning:
        if self._settings.worker_preload == "off":
            return Spawning()
        from scoreserve.front.workers import preload

        return preload.make(self._settings, self, self._limits, self._clock)

    def _missing(self) -> int:
        return self._starts.wanted(self._settings.workers) - len(self.active_workers())

    def _replace(self) -> None:
        """Starts as many workers as are missing; later, while deaths repeat."""
        if self._waiting:
            return
        for _ in range(self._missing() - self._due):
            self._due += 1
            later = asyncio.get_running_loop().call_later
            later(self._restarts.pause_seconds(), self._start_replacement)

    def _start_replacement(self) -> None:
        self._due -= 1
        if self._missing() <= 0 or self._stopping or self._waiting:
            return
        try:
            self._start_connected(newcomer=False)
        except OSError as error:  # no process, memory or file descriptor to be had
            _log.error("No scoring worker can be started: %s", error)
            self._restarts.start_refused()
            self._replace()
        else:
            self._restarts.started()

    def _start_one(self, *, newcomer: bool = False) -> WorkerProcess:
        return self._start(self._starts.start(newcomer=newcomer))

    def _start(self, start: Start) -> WorkerProcess:
        taken = {worker.index for worker in self._workers}
        index = next(number for number in count() if number not in taken)
        worker = WorkerProcess(
            self,
            WorkerSetup(self._worker_settings, index, start.trial).to_json(),
            self._oom,
            start.generation,
            max(self._settings.drain_seconds, _LEAST_LEAVE_SECONDS),
            launch=start.launch,
            index=index,
        )
        self._workers.add(worker)
        self._tell_pids()
        return worker

    def _tell_pids(self) -> None:
        known = [worker.pid for worker in self._workers if worker.pid]
        self._keep_pids([*known, *self._starts.pids()])

    def _oldest_starting(self) -> WorkerProcess | None:
        starting = [w for w in self.active_workers() if w.state is State.STARTING]
        return min(starting, key=lambda worker: worker.started, default=None)


def _running(jobs: Sequence[QueuedJob]) -> str:
    """The requests that these jobs are, for the log line of their worker's death."""
    if not jobs:
        return ""
    ids = ", ".join(log_text(job.request_id) or "(without an id)" for job in jobs)
    return f", running request{'s' if len(jobs) > 1 else ''} {ids}"
