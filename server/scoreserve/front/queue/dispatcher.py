"""The one queue: jobs wait here until a scoring worker is idle. Front process, event loop thread.

Pure decisions: no sockets, processes or clocks. What is to be done is returned, as a Decision, and
done by the caller (`workers.dispatch_loop`) when the decision is complete: nothing that comes of an
answer meets a queue that is being changed. Every job added gets exactly one outcome, unless it is
cancelled first.

    add ─→ queue ─→ in flight with one worker ─→ complete ─→ Decision.answers
     │      │ ↑                │
     │      │ └────────────────┴── worker lost: the job it was running gets the error,
     │      │                      those it had not begun go back to their places
     │      ├── cancel: forgotten
     │      └── waited too long: QueueTimeout
     └ only where `admits`: else it is refused at once

A worker runs its jobs in the order it got them and sends each outcome before it begins the next
job. So of the jobs in flight with a worker that is gone, only the first can have begun. Where jobs
are merged the worker says which ones share the run() that begins (`began`), if not all. Of several
nobody knows which one it died of: each is run again, by itself, and the one that kills a second
worker is it.

A job that went back is never refused for want of room.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from scoreserve.errors import QueueFull, ReplyError
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.queue.admission import Admission
from scoreserve.front.queue.in_flight import InFlight
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.queue.job_queue import JobQueue
from scoreserve.front.queue.limits import DEFAULT_LIMITS, QueueLimits
from scoreserve.front.queue.read_ahead import ReadAhead
from scoreserve.front.queue.regrouping import Regrouping
from scoreserve.wire import Outcome

_TICK_SECONDS = 1e-6  # no timer is set for less
_SHARED_RUN = ("rows", "by hand")  # ways, see `worker.batching`, in which a run() may be shared


class WorkerPort(Protocol):
    """What a worker is asked for by whoever does what is decided here."""

    def send(self, jobs: Sequence[QueuedJob]) -> None:
        """Hands jobs over; their outcomes come back through `complete`."""

    def open_stream(self, job_id: int) -> BodyStream:
        """The body of a streamed outcome; `stream_ended` tells when it is over."""


class Batching(NamedTuple):
    """How jobs are handed over to be merged: at most `jobs` at once, each worker only when it is
    idle, and fewer only when the oldest has waited `wait_seconds`. With `jobs` 1, none are merged,
    and `off` says why. `way` is how they share work, for people.
    """

    jobs: int = 1
    wait_seconds: float = 0.0
    off: str = ""
    way: str = "off"

    @property
    def shares_run(self) -> bool:
        """Whether one run() may be for several jobs."""
        return self.jobs > 1 and self.way in _SHARED_RUN

    @property
    def told(self) -> str:
        """How they share work, or why not, for the log."""
        return f"off: {self.off}" if self.off else self.way


Active = tuple[WorkerPort, InFlight]


class Decision:
    """What is to be done, in this order.

    `sends`: jobs to hand to workers, and the one of them whose body is then to be let go; `ahead`
    of them, not to be merged, have others to wait for.
    `answers`: outcomes to give. `dispatch_soon`: to ask `dispatch` once what is under way is done.
    `wake_after`: to ask it after so many seconds; 0 for no such need.
    """

    def __init__(self) -> None:
        self.sends: list[tuple[WorkerPort, list[QueuedJob], QueuedJob | None]] = []
        self.ahead = 0
        self.answers: list[tuple[QueuedJob, Outcome | ReplyError]] = []
        self.dispatch_soon = False
        self.wake_after = 0.0

    def end(self, jobs: Iterable[QueuedJob], error: ReplyError) -> None:
        """These jobs are to get the error."""
        for job in jobs:
            self.answers.append((job, error))


class Dispatcher:
    """Decides which queued jobs go to which worker, first come first served.

    `now` below is the time in seconds, on the clock that `clock` tells too.
    """

    def __init__(self, clock: Callable[[], float], limits: QueueLimits = DEFAULT_LIMITS) -> None:
        self.batching = Batching()
        self.notes_batches = False  # jobs are told with whom their run() was shared
        self.admission = Admission(limits)
        self._regrouping = Regrouping(clock)
        self._read_ahead = ReadAhead()
        self._wake_at = math.inf  # when `dispatch` is asked at the latest
        self._last_id = 0
        self._queue = JobQueue()
        self._in_flight: dict[WorkerPort, InFlight] = {}
        self._active: list[Active] = []  # those that take jobs

    @property
    def queued(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._queue)

    @property
    def in_flight(self) -> int:
        """How many jobs workers hold."""
        return sum([len(in_flight.jobs) for in_flight in self._in_flight.values()])

    @property
    def workers(self) -> int:
        """How many workers take jobs."""
        return len(self._active)

    def admit(self, now: float) -> None:
        """Looks for room for one more job. Raises QueueFull."""
        queued = len(self._queue)
        if not self.admission.admits_beside(queued):
            raise self._full(queued, now)

    def add(self, job: QueuedJob, now: float) -> None:
        """Queues the job."""
        self._last_id += 1
        job.id = self._last_id
        job.queued_at = now
        self._queue.append(job)

    def cancel(self, job: QueuedJob) -> None:
        """Forgets a job nobody waits for any more. One already with a worker is run unheard."""
        if not job.awaited:
            return  # it has its outcome, or was cancelled before
        if job.sent:
            job.forget()
        else:
            self._queue.forget(job)

    def attach(self, worker: WorkerPort, now: float) -> None:
        """A worker is ready for jobs."""
        in_flight = self._in_flight[worker] = InFlight(now, merges=self.batching.jobs > 1)
        self._active.append((worker, in_flight))
        self._adapt(now)

    def retire(self, worker: WorkerPort) -> None:
        """A worker is to be handed nothing more; it goes on with what it has."""
        self._active = [row for row in self._active if row[0] is not worker]

    def began(self, worker: WorkerPort, job_ids: Sequence[int]) -> None:
        """See `InFlight.began`."""
        self._in_flight[worker].began(job_ids)

    def merged(self, worker: WorkerPort, rows: int) -> None:
        """A run() that was shared is over; its outcomes come next."""
        if worker in self._in_flight:
            self._in_flight[worker].merged_rows = rows

    def begun(self, worker: WorkerPort) -> list[QueuedJob]:
        """The jobs that a worker is running, see `InFlight.begun`."""
        in_flight = self._in_flight.get(worker)
        return [] if in_flight is None else in_flight.begun

    def detach(self, worker: WorkerPort, error: ReplyError, *, again: bool = True) -> Decision:
        """A worker is gone: the job it was running ends with `error`, the others queue again.

        Those that were merged are run again too, each by itself, unless `again` is false: any of
        them may have killed it, in run() or while it was read.
        """
        decision = Decision()
        decision.dispatch_soon = True
        self.retire(worker)
        in_flight = self._in_flight.pop(worker, None)
        if in_flight is not None:
            suspects = in_flight.begun
            guilty = suspects if len(suspects) == 1 or not again else []
            for job in suspects:
                job.alone = True
            for job in guilty:
                del in_flight.jobs[job.id]
            decision.end(guilty, error)
            rest = in_flight.jobs.values()
            for job in rest:
                job.sent = False
            self._queue.put_back(rest)
        self.admission.count_again()
        return decision

    def complete(self, worker: WorkerPort, outcomes: Sequence[Outcome], now: float) -> Decision:
        """Outcomes of jobs in flight with a worker. One whose job is not there is dropped."""
        decision = Decision()
        answers = decision.answers
        in_flight = self._in_flight[worker]
        merging = self.batching.jobs > 1  # where no jobs are handed over ahead
        if self.notes_batches and self.batching.shares_run:
            in_flight.note_batch([outcome.id for outcome in outcomes if outcome.ran])
        finished = 0
        for outcome in outcomes:
            job = in_flight.jobs.get(outcome.id)
            if job is None:
                continue
            if outcome.streamed:
                in_flight.streams += 1  # the worker is busy with it till it ends
            else:
                del in_flight.jobs[outcome.id]
                finished += 1
            if outcome.run_seconds and not merging:  # a refused input says nothing about run()
                self._read_ahead.record(outcome.run_seconds)
            answers.append((job, outcome))
        seconds = self._worked(in_flight, finished, now)
        if len(self._queue) >= self.batching.jobs:
            self._dispatch(decision, now)  # the worker need not wait until all these are answered
        if merging and finished and not in_flight.jobs:
            self._regrouping.answered(finished, len(self._queue), seconds)
        decision.dispatch_soon = bool(self._queue) or bool(self._regrouping.expected)
        return decision

    def returned(self, worker: WorkerPort, job_ids: Sequence[int]) -> None:
        """A worker that sends a stream gives back jobs that it has not begun."""
        jobs = self._in_flight[worker].jobs
        back = [jobs.pop(job_id) for job_id in job_ids if job_id in jobs]
        for job in back:
            job.sent = False
        self._queue.put_back(back)
        self.admission.count_again()

    def stream_ended(self, worker: WorkerPort, job_id: int, seconds: float, now: float) -> None:
        """The worker has sent the last of a streamed body, after so many seconds."""
        in_flight = self._in_flight[worker]
        in_flight.streams -= 1
        in_flight.jobs.pop(job_id, None)
        self._read_ahead.record(seconds)
        self._worked(in_flight, 1, now)

    def fail_all(self, error: ReplyError) -> Decision:
        """Ends every job, queued or in flight, with `error`."""
        decision = Decision()
        decision.end(self._queue.clear(), error)
        for in_flight in self._in_flight.values():
            decision.end(in_flight.jobs.values(), error)
            in_flight.jobs.clear()
        return decision

    def holds_back(self) -> bool:
        """Whether jobs are left in the queue for another turn of the event loop, since clients that
        were answered together come back together.
        """
        return self._regrouping.awaited(len(self._queue), self.batching.jobs)

    def woken(self) -> None:
        """The time after which `dispatch` was to be asked is over, or about."""
        self._wake_at = math.inf

    def has_room(self) -> bool:
        """Whether workers have room for all jobs that wait."""
        return sum([self._room(row) for _, row in self._active]) >= len(self._queue)

    def retry_seconds(self, now: float) -> int:
        """When a client may try again that is turned away now."""
        return self.admission.retry_seconds(len(self._queue), self.workers, self._under_way(now))

    def dispatch(self, now: float) -> Decision:
        """Hands over what can be, and ends what has waited for too long."""
        decision = Decision()
        self._dispatch(decision, now)
        return decision

    def _worked(self, in_flight: InFlight, jobs: int, now: float) -> float:
        """A worker has finished so many jobs since it began, or last did: the seconds it took."""
        seconds = now - in_flight.busy_since
        if jobs:
            self.admission.finished(seconds, jobs)
            in_flight.busy_since = now
        return seconds

    def _dispatch(self, decision: Decision, now: float) -> None:
        self._end_overdue(decision, now)
        oldest = self._queue.oldest()
        if oldest is None:
            self.admission.counted(0)
            return
        company_until = self._waits_for_company(oldest, now)
        wake_at = min(company_until or math.inf, self.admission.deadline(oldest.queued_at))
        if wake_at < self._wake_at:
            self._wake_at = wake_at
            decision.wake_after = max(wake_at - now, _TICK_SECONDS)
        if company_until:
            return
        takers = [row for row in self._active if self._room(row[1]) > 0]
        if len(takers) > 1:  # the least loaded first: none idles while another has a pile
            takers.sort(key=lambda row: len(row[1].jobs))
        for position, (worker, in_flight) in enumerate(takers):
            share = -(-len(self._queue) // (len(takers) - position))
            self._hand_over(decision, worker, in_flight, min(share, self._room(in_flight)), now)
        if self._queue:
            self._adapt(now)
        self.admission.counted(len(self._queue))

    def _room(self, in_flight: InFlight) -> int:
        """How many more jobs a worker may be handed. It is topped up when half of them are done.
        One that sends a stream gets none: that takes as long as script and client like.
        """
        if in_flight.streams:
            return 0
        held = len(in_flight.jobs)
        if self.batching.jobs > 1:
            return 0 if held else self.batching.jobs
        ahead = self._read_ahead.ahead
        return ahead - held if 2 * held <= ahead or not held else 0

    def _hand_over(
        self, decision: Decision, worker: WorkerPort, in_flight: InFlight, jobs: int, now: float
    ) -> None:
        batch = self._queue.take(jobs)
        if not batch:
            return
        if not in_flight.merges:
            decision.ahead += len(batch) if in_flight.jobs else len(batch) - 1
        decision.sends.append((worker, batch, in_flight.add(batch, now)))

    def _waits_for_company(self, oldest: QueuedJob, now: float) -> float:
        """Until when the oldest job may still wait for others to be merged with; 0: no longer."""
        jobs, wait_seconds, _, _ = self.batching
        if not wait_seconds or oldest.alone:
            return 0.0
        if len(self._queue) >= min(jobs, self.admission.most):
            return 0.0
        until = oldest.queued_at + wait_seconds
        return 0.0 if until - now < _TICK_SECONDS else until

    def _end_overdue(self, decision: Decision, now: float) -> None:
        overdue = self._queue.take_queued_until(self.admission.overdue_since(now))
        if overdue:
            queued, under_way = len(self._queue), self._under_way(now)
            decision.end(overdue, self.admission.overdue(queued, self.workers, under_way))

    def _adapt(self, now: float) -> None:
        self.admission.adapt(self.workers, self.batching.jobs, self._under_way(now))

    def _full(self, queued: int, now: float) -> QueueFull:
        return self.admission.full(queued, self.workers, self._under_way(now))

    def _under_way(self, now: float) -> float:
        """For how long workers have been at jobs that are not finished, all together."""
        return sum([now - row.busy_since for row in self._in_flight.values() if row.jobs])
