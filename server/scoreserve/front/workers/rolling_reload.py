"""A rolling reload: every worker is replaced by one that has loaded the script and model anew.

    asked ─→ start one ─→ it is ready ─→ retire an old one ─→ that is gone ─→ any old one left?
                │                                                               │yes     │no
                └── it cannot start: failed, the old ones stay        start one ┘        └→ done

One worker more than wanted at any time. Where workers are to be forked (`preload`), the next one
waits until that is decided, and one that was spawned meanwhile is an old one too. Decides only;
what starts and retires workers is given.
A reload asked for during another is made after it: the script may have changed since.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from typing import Protocol

from scoreserve.front.workers.worker_process import State, WorkerProcess

_log = logging.getLogger("azmlinfsrv")

OK, FAILED = "ok", "failed"


class WorkerPool(Protocol):
    """The workers, as a reload sees them."""

    def active_workers(self) -> Collection[WorkerProcess]:
        """Those that are not retired."""

    def is_retiring(self) -> bool:
        """Whether one that is retired has not left yet."""

    def start_worker(self) -> WorkerProcess:
        """Raises OSError."""

    def retire_worker(self, worker: WorkerProcess) -> None: ...

    def may_start(self) -> bool:
        """Whether a worker may be started now. `advance` is called once it may."""

    def is_outdated(self, worker: WorkerProcess) -> bool:
        """Whether another should take its place, though the script is the same."""

    def reload_begins(self, generation: int) -> None:
        """The script is to be loaded anew; `generation`: how often it was, this time included."""

    def reload_ended(self, *, ok: bool) -> None:
        """All workers have loaded the script anew, or it cannot be loaded."""


class RollingReload:
    """The reloads of one server. `wanted` is how many workers there should be."""

    def __init__(
        self, pool: WorkerPool, wanted: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.generation = 0  # how many times the script was asked to be loaded anew
        self.counts = {OK: 0, FAILED: 0}
        self.last = ""  # what came of the last one, and when
        self.ended = 0.0
        self._pool = pool
        self._wanted = wanted
        self._clock = clock
        self._running = False
        self._counted = True  # what runs is a reload
        self._begins = False  # its first worker is still to be started
        self._newcomer: WorkerProcess | None = None  # started, not yet ready
        self._began = 0.0
        self._again: str | None = None  # why, if it was asked for during another

    def ask(self, why: str) -> None:
        """Begins a reload, or has it follow the one under way."""
        if self._running:
            _log.info("Reloading again after the reload under way: %s", why)
            self._again = why
            return
        _log.info("Reloading the entry script: %s", why)
        self.generation += 1
        self._pool.reload_begins(self.generation)
        self._begin(counted=True)

    def replace_outdated(self) -> None:
        """Begins to replace outdated workers, if there are any: no reload, though it goes the same
        way. One that is under way sees to them itself.
        """
        if self._running:
            self.advance()
        elif any(map(self._pool.is_outdated, self._pool.active_workers())):
            self._begin(counted=False)

    def _begin(self, *, counted: bool) -> None:
        self._running = True
        self._counted = self._begins = counted
        self._began = self._clock()
        self.advance()

    def is_newcomer(self, worker: WorkerProcess) -> bool:
        """Whether a reload waits for this worker to be ready."""
        return worker is self._newcomer

    def ready(self, worker: WorkerProcess) -> None:
        """A worker is ready."""
        if worker is self._newcomer:
            self._newcomer = None
        self.advance()

    def gone(self, worker: WorkerProcess) -> None:
        """A worker is gone."""
        if worker is self._newcomer:
            self._newcomer = None
            why = worker.start_failure
            told = f": {why.line}" if why is not None else "; see its own report above"
            self._end(FAILED, f"the new worker did not start{told}")
        else:
            self.advance()

    def advance(self) -> None:
        """Does what is to be done next, if anything can be."""
        if not self._running or self._newcomer is not None:
            return
        if self._begins:
            if self._pool.may_start():
                self._begins = False
                self._start()
            return
        if self._pool.is_retiring():
            return
        active = self._pool.active_workers()
        old = [worker for worker in active if self._is_old(worker)]
        if not old:
            seconds = self._clock() - self._began
            self._end(OK, f"all workers have loaded the script anew, in {seconds:.1f} s")
        elif len(active) > self._wanted:
            self._pool.retire_worker(min(old, key=_use))
        elif self._pool.may_start():
            self._start()

    def _is_old(self, worker: WorkerProcess) -> bool:
        return worker.generation < self.generation or self._pool.is_outdated(worker)

    def _start(self) -> None:
        try:
            self._newcomer = self._pool.start_worker()
        except OSError as error:
            self._end(FAILED, f"no new worker can be started: {error}")

    def _end(self, result: str, text: str) -> None:
        self._running = False
        if self._counted:
            self._tell(result, text)
            self._pool.reload_ended(ok=result == OK)
        elif result == FAILED:
            _log.error("A forked worker was to take the place of a spawned one: %s", text)
        if self._again is not None:
            why, self._again = self._again, None
            self.ask(why)

    def _tell(self, result: str, text: str) -> None:
        self.counts[result] += 1
        self.last = f"{result}: {text}"
        self.ended = self._clock()
        if result == OK:
            _log.info("Reloaded: %s", text)
        else:
            workers = self._pool.active_workers()
            left = sum(worker.generation < self.generation for worker in workers)
            stay = f"; {left} worker(s) go on with what they have loaded" if left else ""
            _log.error("Reload failed: %s%s", text, stay)


def _use(worker: WorkerProcess) -> int:
    """The less use a worker is now, the sooner it is retired."""
    if worker.state is State.STARTING:
        return 0
    return 1 if worker.busy_since is None else 2
