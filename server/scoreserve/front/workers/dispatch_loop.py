"""Does what the dispatcher decides: jobs to workers, answers to clients, timers to the event loop.

    submit, complete, … ─→ Dispatcher ─→ Decision ─→ send each, then tell each ─→ clients
                              ↑                                    │
                              └── dispatch ←── once what is under way is done, or a timer rings

Jobs that arrive together are handed over together. An answer that cannot be given ends the
connection it is for, and nothing else.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

from scoreserve.errors import ReplyError
from scoreserve.front.queue.body_budget import BodyBudget
from scoreserve.front.queue.dispatcher import Batching, Decision, Dispatcher, WorkerPort
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.queue.limits import DEFAULT_LIMITS, QueueLimits
from scoreserve.wire import Outcome

_log = logging.getLogger("azmlinfsrv")


class DispatchLoop:
    """The dispatcher on an event loop, and who acts for it.

    `defer` runs a function once what is under way is done (an event loop's call_soon), `later` one
    after so many seconds; without it nothing happens by the passing of time alone. `clock` tells
    the time in seconds. `handed_ahead` is told of jobs, not to be merged, that went to a worker
    with others to do first: how many. `bodies` is the budget that their bodies are in.
    """

    def __init__(  # noqa: PLR0913 - what surrounds it is given
        self,
        defer: Callable[[Callable[[], None]], object],
        later: Callable[[float, Callable[[], None]], object] = lambda seconds, run: None,
        clock: Callable[[], float] = time.monotonic,
        limits: QueueLimits = DEFAULT_LIMITS,
        *,
        handed_ahead: Callable[[int], None] = lambda jobs: None,
        bodies: BodyBudget | None = None,
    ) -> None:
        self.bodies = bodies or BodyBudget(sys.maxsize)
        self._dispatcher = Dispatcher(clock, limits)
        self._defer = defer
        self._later = later
        self._clock = clock
        self._handed_ahead = handed_ahead
        self._deferred = False
        self._timers = 0  # that were set; only the last one counts

    @property
    def batching(self) -> Batching:
        """How jobs are handed over to be merged."""
        return self._dispatcher.batching

    @batching.setter
    def batching(self, batching: Batching) -> None:
        self._dispatcher.batching = batching

    def note_batches(self) -> None:
        """Jobs are told with whom their run() was shared."""
        self._dispatcher.notes_batches = True

    @property
    def queued(self) -> int:
        """How many jobs wait for a worker."""
        return self._dispatcher.queued

    @property
    def limit(self) -> int:
        """How many jobs may wait at present."""
        return self._dispatcher.admission.most

    @property
    def in_flight(self) -> int:
        """How many jobs workers hold."""
        return self._dispatcher.in_flight

    @property
    def workers(self) -> int:
        """How many workers take jobs."""
        return self._dispatcher.workers

    def submit(self, job: QueuedJob) -> None:
        """Queues the job. Raises QueueFull."""
        dispatcher = self._dispatcher
        now = self._clock()
        if not dispatcher.admission.admits():
            if dispatcher.queued >= dispatcher.admission.most:
                self._dispatch()  # what came just now may still have a worker to go to
            dispatcher.admit(now)
        dispatcher.add(job, now)
        if not self._deferred:
            self._dispatch_soon()

    def retry_seconds(self) -> int:
        """When a client may try again that is turned away now."""
        return self._dispatcher.retry_seconds(self._clock())

    def can_begin(self, job: QueuedJob) -> bool:
        """Whether a worker has the job, or can have it at once."""
        return job.sent or self._dispatcher.has_room()

    def cancel(self, job: QueuedJob) -> None:
        """See Dispatcher."""
        self._dispatcher.cancel(job)
        self.bodies.give_back(job.let_go())  # even if its worker dies, it is not sent again

    def attach(self, worker: WorkerPort) -> None:
        """See Dispatcher."""
        self._dispatcher.attach(worker, self._clock())
        self._dispatch_soon()

    def retire(self, worker: WorkerPort) -> None:
        """See Dispatcher."""
        self._dispatcher.retire(worker)

    def began(self, worker: WorkerPort, job_ids: Sequence[int]) -> None:
        """See Dispatcher."""
        self._dispatcher.began(worker, job_ids)

    def merged(self, worker: WorkerPort, rows: int) -> None:
        """See Dispatcher."""
        self._dispatcher.merged(worker, rows)

    def begun(self, worker: WorkerPort) -> list[QueuedJob]:
        """See Dispatcher."""
        return self._dispatcher.begun(worker)

    def detach(self, worker: WorkerPort, error: ReplyError, *, again: bool = True) -> None:
        """See Dispatcher."""
        self._do(self._dispatcher.detach(worker, error, again=again), self._clock())

    def complete(self, worker: WorkerPort, outcomes: Sequence[Outcome]) -> None:
        """See Dispatcher."""
        now = self._clock()
        self._do(self._dispatcher.complete(worker, outcomes, now), now, worker)

    def returned(self, worker: WorkerPort, job_ids: Sequence[int]) -> None:
        """See Dispatcher."""
        self._dispatcher.returned(worker, job_ids)
        self._dispatch_soon()

    def stream_ended(self, worker: WorkerPort, job_id: int, seconds: float) -> None:
        """See Dispatcher."""
        self._dispatcher.stream_ended(worker, job_id, seconds, self._clock())
        self._dispatch_soon()

    def fail_all(self, error: ReplyError) -> None:
        """See Dispatcher."""
        self._do(self._dispatcher.fail_all(error), self._clock())

    def _dispatch_soon(self) -> None:
        if not self._deferred:
            self._deferred = True
            self._defer(self._dispatch_deferred)

    def _dispatch_deferred(self) -> None:
        self._deferred = False
        if self._dispatcher.holds_back():
            self._dispatch_soon()
        else:
            self._dispatch()

    def _dispatch(self) -> None:
        now = self._clock()
        self._do(self._dispatcher.dispatch(now), now)

    def _wake(self, timer: int) -> None:
        if timer == self._timers:
            self._dispatcher.woken()
            self._dispatch()

    def _do(self, decision: Decision, now: float, worker: WorkerPort | None = None) -> None:
        """Does what is decided. `worker` is whose outcomes are among the answers."""
        for receiver, jobs, begins in decision.sends:
            receiver.send(jobs)
            if begins is not None:
                self.bodies.give_back(begins.let_go())
        if decision.ahead:
            self._handed_ahead(decision.ahead)
        for job, outcome in decision.answers:
            self.bodies.give_back(job.let_go())
            try:
                _tell(job, outcome, now - job.queued_at, worker)
            except Exception:  # noqa: BLE001 - one answer's failure is one request's
                _log.exception("A request could not be answered; its connection is closed")
                _break_off(job)
        if decision.wake_after:
            self._timers += 1
            self._later(decision.wake_after, partial(self._wake, self._timers))
        if decision.dispatch_soon:
            self._dispatch_soon()


def _break_off(job: QueuedJob) -> None:
    if job.stream is not None:
        job.stream.close()
    job.break_off()


def _tell(
    job: QueuedJob, outcome: Outcome | ReplyError, seconds: float, worker: WorkerPort | None
) -> None:
    """Gives a job its outcome; an error breaks off the body that is being streamed for it."""
    if job.stream is not None:
        job.stream.end(complete=False)
        return
    if worker is not None and isinstance(outcome, Outcome) and outcome.streamed:
        job.stream = worker.open_stream(job.id)
        if not job.awaited:
            job.stream.close()
    job.finish(outcome, seconds)
