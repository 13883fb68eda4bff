"""The one queue: jobs wait here until a scoring worker is idle. Front process, event loop thread.

Pure decisions: no sockets, processes or clocks. Workers are seen through `WorkerPort`; a job knows
where its answer goes. Every job submitted gets exactly one outcome, unless it is cancelled first,
or refused at once because too many wait.

    submit ─→ queue ─→ in hand of one worker ─→ complete ─→ QueuedJob.finish
      │        │ ↑                │
   QueueFull   │ └────────────────┴── worker lost: the job it was running gets the error,
               │                      those it had not begun go back to their places
               ├── cancel: forgotten
               └── waited too long: QueueTimeout

A worker runs its jobs in the order it got them and sends each outcome before it begins the next
job. So of the jobs in the hands of a worker that is gone, only the first can have begun. Where jobs
are merged the worker says which ones share the run() that begins (`began`), if not all. Of several
nobody knows which one it died of: each is run again, by itself, and the one that kills a second
worker is it.

One timer watches the oldest job, and it is looked at again whenever jobs are handed over. A job
that went back is never refused for want of room.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from scoreserve.errors import QueueFull, QueueTimeout, ReplyError
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.queue.in_flight import InFlight
from scoreserve.front.queue.job import QueuedJob, end_all
from scoreserve.front.queue.job_queue import JobQueue
from scoreserve.front.queue.limits import DEFAULT_LIMITS, QueueLimits, ServiceRate, retry_seconds
from scoreserve.front.queue.read_ahead import ReadAhead
from scoreserve.front.queue.regrouping import Regrouping
from scoreserve.wire import Outcome

_TICK_SECONDS = 1e-6  # no timer is set for less


class WorkerPort(Protocol):
    """What the dispatcher needs of a worker."""

    def send(self, jobs: Sequence[QueuedJob]) -> None:
        """Hands jobs over; their outcomes come back through `Dispatcher.complete`."""

    def open_stream(self, job_id: int) -> BodyStream:
        """The body of a streamed outcome; `Dispatcher.stream_ended` tells when it is over."""


class Batching(NamedTuple):
    """How jobs are handed over to be merged: at most `jobs` at once, each worker only when it is
    idle, and fewer only when the oldest has waited `wait_seconds`. With `jobs` 1, none are merged,
    and `off` says why.
    """

    jobs: int = 1
    wait_seconds: float = 0.0
    off: str = ""


Active = tuple[WorkerPort, InFlight]


class Dispatcher:
    """Hands queued jobs to workers, first come first served.

    `defer` runs a function once what is under way is done (an event loop's call_soon): jobs that
    arrive together are handed over together. `later` runs one after so many seconds; without it
    nothing happens by the passing of time alone. `clock` tells the time in seconds. `handed_ahead`
    is told of jobs, not to be merged, that went to a worker with others to do first: how many.
    """

    def __init__(
        self,
        defer: Callable[[Callable[[], None]], object],
        later: Callable[[float, Callable[[], None]], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        limits: QueueLimits = DEFAULT_LIMITS,
        handed_ahead: Callable[[int], None] = lambda jobs: None,
    ) -> None:
        self.batching = Batching()
        self._handed_ahead = handed_ahead
        self._limits = limits
        self._wait_seconds = limits.wait_ms / 1000 if limits.wait_ms else math.inf
        self._most = limits.most(1, 1, math.inf)  # jobs that may wait now
        self._room_left = 0  # for so many more jobs at least, without a look at the queue
        self._rate = ServiceRate()
        self._watching = later is None or not limits.wait_ms  # a timer for the oldest job is set
        self._later = later
        self._clock = clock
        self._timed = False
        self._defer = defer
        self._deferred = False
        self._regrouping = Regrouping(clock)
        self._last_id = 0
        self._queue = JobQueue()
        self._in_flight: dict[WorkerPort, InFlight] = {}
        self._active: list[Active] = []  # those that take jobs
        self._read_ahead = ReadAhead()

    @property
    def queued(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._queue)

    @property
    def limit(self) -> int:
        """How many jobs may wait at present."""
        return self._most

    @property
    def in_flight(self) -> int:
        """How many jobs workers hold."""
        return sum([len(in_flight.jobs) for in_flight in self._in_flight.values()])

    @property
    def workers(self) -> int:
        """How many workers take jobs."""
        return len(self._active)

    def submit(self, job: QueuedJob) -> None:
        """Queues the job. Raises QueueFull."""
        self._room_left -= 1
        if self._room_left < 0:
            self._ensure_room()
        self._last_id += 1
        job.id = self._last_id
        job.queued_at = self._clock()
        self._queue.append(job)
        self._dispatch_soon()

    def cancel(self, job: QueuedJob) -> None:
        """Forgets a job nobody waits for any more. One already with a worker is run unheard."""
        if not job.awaited:
            return  # it has its outcome, or was cancelled before
        if job.sent:
            job.forget()
        else:
            self._queue.forget(job)

    def attach(self, worker: WorkerPort) -> None:
        """A worker is ready for jobs."""
        now = self._clock()
        in_flight = self._in_flight[worker] = InFlight(now, merges=self.batching.jobs > 1)
        self._active.append((worker, in_flight))
        self._set_most(now)
        self._dispatch_soon()

    def retire(self, worker: WorkerPort) -> None:
        """A worker is to be handed nothing more; it goes on with what it has."""
        self._active = [row for row in self._active if row[0] is not worker]

    def began(self, worker: WorkerPort, job_ids: Sequence[int]) -> None:
        """See `InFlight.began`."""
        self._in_flight[worker].began(job_ids)

    def begun(self, worker: WorkerPort) -> list[QueuedJob]:
        """The jobs that a worker is running, see `InFlight.begun`."""
        in_flight = self._in_flight.get(worker)
        return [] if in_flight is None else in_flight.begun

    def detach(self, worker: WorkerPort, error: ReplyError, *, again: bool = True) -> None:
        """A worker is gone: the job it was running ends with `error`, the others queue again.

        Those that were merged are run again too, each by itself, unless `again` is false: any of
        them may have killed it, in run() or while it was read.
        """
        self.retire(worker)
        in_flight = self._in_flight.pop(worker, None)
        if in_flight is not None:
            suspects = in_flight.begun
            guilty = suspects if len(suspects) == 1 or not again else []
            for job in suspects:
                job.alone = True
            for job in guilty:
                del in_flight.jobs[job.id]
            end_all(guilty, error, self._clock())
            rest = in_flight.jobs.values()
            for job in rest:
                job.sent = False
            self._queue.put_back(rest)
        self._room_left = 0
        self._dispatch_soon()

    def complete(self, worker: WorkerPort, outcomes: Iterable[Outcome]) -> None:
        """Outcomes of jobs in a worker's hands. One whose job is not there is dropped."""
        in_flight = self._in_flight[worker]
        merging = self.batching.jobs > 1  # where no jobs are handed over ahead
        answers: list[tuple[QueuedJob, Outcome]] = []
        finished = 0
        for outcome in outcomes:
            job = in_flight.jobs.get(outcome.id)
            if job is None:
                continue
            if outcome.streamed:
                self._open_stream(worker, job)  # the worker is busy with it till it ends
            else:
                del in_flight.jobs[outcome.id]
                finished += 1
            if outcome.run_seconds and not merging:  # a refused input says nothing about run()
                self._read_ahead.record(outcome.run_seconds)
            answers.append((job, outcome))
        now = self._clock()
        seconds = self._worked(in_flight, finished, now)
        if len(self._queue) >= self.batching.jobs:
            self._dispatch()  # the worker need not wait until all these are answered
        for job, outcome in answers:
            job.finish(outcome, now - job.queued_at)
        if merging and finished and not in_flight.jobs:
            self._regrouping.answered(finished, len(self._queue), seconds)
        if self._queue or self._regrouping.expected:
            self._dispatch_soon()

    def stream_ended(self, worker: WorkerPort, job_id: int, seconds: float) -> None:
        """The worker has sent the last of a streamed body, after so many seconds."""
        in_flight = self._in_flight[worker]
        in_flight.jobs.pop(job_id, None)
        self._read_ahead.record(seconds)
        self._worked(in_flight, 1, self._clock())
        self._dispatch_soon()

    def _worked(self, in_flight: InFlight, jobs: int, now: float) -> float:
        """A worker has finished so many jobs since it began, or last did: the seconds it took."""
        seconds = now - in_flight.busy_since
        if jobs:
            self._rate.record(seconds, jobs)
            in_flight.busy_since = now
        return seconds

    def _open_stream(self, worker: WorkerPort, job: QueuedJob) -> None:
        job.stream = worker.open_stream(job.id)
        if not job.awaited:
            job.stream.close()

    def fail_all(self, error: ReplyError) -> None:
        """Ends every job, queued or running, with `error`."""
        jobs = self._queue.clear()
        for in_flight in self._in_flight.values():
            jobs += in_flight.jobs.values()
            in_flight.jobs.clear()
        end_all(jobs, error, self._clock())

    def _dispatch_soon(self) -> None:
        if not self._deferred:
            self._deferred = True
            self._defer(self._dispatch_deferred)

    def _dispatch_deferred(self) -> None:
        self._deferred = False
        if self._regrouping.awaited(len(self._queue), self.batching.jobs):
            self._dispatch_soon()
        else:
            self._dispatch()

    def _dispatch(self) -> None:
        now = self._clock()
        self._end_overdue(now)
        if self._queue and not self._watching:
            self._watch_oldest(now)
        if self._waits_for_company():
            return
        takers = [row for row in self._active if self._room(row[1]) > 0]
        if len(takers) > 1:  # the least loaded first: none idles while another has a pile
            takers.sort(key=lambda row: len(row[1].jobs))
        for position, (worker, in_flight) in enumerate(takers):
            share = -(-len(self._queue) // (len(takers) - position))
            self._hand_over(worker, in_flight, min(share, self._room(in_flight)), now)
        if self._queue:
            self._set_most(now)
        self._room_left = self._most - len(self._queue)

    def _room(self, in_flight: InFlight) -> int:
        """How many more jobs a worker may be handed. It is topped up when half of them are done."""
        held = len(in_flight.jobs)
        if self.batching.jobs > 1:
            return 0 if held else self.batching.jobs
        ahead = self._read_ahead.ahead
        return ahead - held if 2 * held <= ahead or not held else 0

    def _set_most(self, now: float) -> None:
        workers = max(self.workers, 1)  # a lost one is being replaced
        self._most = self._limits.most(workers, self.batching.jobs, self._job_seconds(now))
        self._room_left = 0

    def _ensure_room(self) -> None:
        """Makes room for one more job. Raises QueueFull where none can be made."""
        if len(self._queue) >= self._most:
            self._dispatch()  # what came just now may still have a worker to go to
            if len(self._queue) >= self._most:
                raise QueueFull(len(self._queue), self._retry_seconds(self._clock()))
        self._room_left = self._most - len(self._queue) - 1

    def _end_overdue(self, now: float) -> None:
        """Ends the jobs that have waited for too long."""
        overdue = self._queue.take_queued_until(now - self._wait_seconds)
        if overdue:
            end_all(overdue, QueueTimeout(self._limits.wait_ms, self._retry_seconds(now)), now)

    def _watch_oldest(self, now: float) -> None:
        """Sets the timer to when the oldest job will have waited for too long."""
        oldest = self._queue.oldest()
        if self._later is not None and oldest is not None:
            self._watching = True
            left = oldest.queued_at + self._wait_seconds - now
            self._later(max(left, _TICK_SECONDS), self._look_at_oldest)

    def _look_at_oldest(self) -> None:
        self._watching = False
        now = self._clock()
        self._end_overdue(now)
        if self._queue:
            self._watch_oldest(now)

    def _retry_seconds(self, now: float) -> int:
        return retry_seconds(len(self._queue), self.workers, self._job_seconds(now))

    def _job_seconds(self, now: float) -> float:
        """What a job costs a worker lately."""
        under_way = [now - row.busy_since for row in self._in_flight.values() if row.jobs]
        return self._rate.job_seconds(sum(under_way))

    def _waits_for_company(self) -> bool:
        """Whether the oldest job may still wait for others to be merged with."""
        jobs, wait_seconds, _ = self.batching
        if not wait_seconds or self._later is None or len(self._queue) >= min(jobs, self._most):
            return False
        oldest = self._queue.oldest()
        if oldest is None or oldest.alone:
            return False
        left = oldest.queued_at + wait_seconds - self._clock()
        if left < _TICK_SECONDS:
            return False
        if not self._timed:
            self._timed = True
            self._later(left, self._waited)
        return True

    def _waited(self) -> None:
        self._timed = False
        self._dispatch()

    def _hand_over(self, worker: WorkerPort, in_flight: InFlight, jobs: int, now: float) -> None:
        batch = self._queue.take(jobs)
        if not batch:
            return
        worker.send(batch)
        ahead = len(batch) if in_flight.jobs else len(batch) - 1
        if ahead and not in_flight.merges:
            self._handed_ahead(ahead)
        in_flight.add(batch, now)
