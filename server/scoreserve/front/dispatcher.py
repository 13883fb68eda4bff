"""The one queue: jobs wait here until a scoring worker is idle. Front process, event loop thread.

Pure decisions: no sockets, processes or clocks. Workers are seen through `WorkerPort`; a job says
through `on_outcome` where its answer goes. Every job submitted gets exactly one outcome, unless it
is cancelled first.

    submit ─→ queue ─→ in hand of one worker ─→ complete ─→ on_outcome
               │ ↑                │
       cancel: ┘ └────────────────┴── worker lost: the job it was running gets the error,
    forgotten    those it had not begun go back to the head of the queue

A worker runs its jobs in the order it got them and sends each outcome before it begins the next
job. So of the jobs in the hands of a worker that is gone, only the first can have begun, unless
they were to be merged.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from operator import attrgetter
from typing import NamedTuple, Protocol

from scoreserve.errors import ReplyError
from scoreserve.front.body_stream import BodyStream
from scoreserve.front.pace import Pace
from scoreserve.wire import Outcome


class Job:
    """One request to score.

    `head` is the encoded request head, `chunks` the body as received (let go as soon as it cannot
    be needed again), and `on_outcome` is called once with the worker's outcome or the error that
    stands for it. When the outcome is streamed, `stream` brings its body.
    """

    __slots__ = ("chunks", "head", "id", "on_outcome", "queued_at", "sent", "stream")

    def __init__(
        self,
        head: bytes,
        chunks: Sequence[bytes],
        on_outcome: Callable[[Outcome | ReplyError], None],
    ) -> None:
        self.id = 0
        self.head = head
        self.chunks = chunks
        self.on_outcome = on_outcome
        self.sent = False
        self.queued_at = 0.0  # told only where jobs wait for company
        self.stream: BodyStream | None = None

    def finish(self, outcome: Outcome | ReplyError) -> None:
        """Gives the outcome to whoever waits for it, and lets go of them.

        They know the job as it knows them: a circle, which would be left to the garbage collector.
        """
        on_outcome, self.on_outcome = self.on_outcome, _unheard
        on_outcome(outcome)


class WorkerPort(Protocol):
    """What the dispatcher needs of a worker."""

    def send(self, jobs: Sequence[Job]) -> None:
        """Hands jobs over; their outcomes come back through `Dispatcher.complete`."""

    def open_stream(self, job_id: int) -> BodyStream:
        """The body of a streamed outcome; `Dispatcher.stream_ended` tells when it is over."""


class Batching(NamedTuple):
    """How jobs are handed over to be merged: at most `jobs` at once, each worker only when it is
    idle, and fewer only when the oldest has waited `wait_seconds`. With `jobs` 1, none are merged.
    """

    jobs: int = 1
    wait_seconds: float = 0.0


class Dispatcher:
    """Hands queued jobs to workers, first come first served.

    `defer` runs a function once what is under way is done (an event loop's call_soon): jobs that
    arrive together are handed over together. `later` runs one after so many seconds, and `clock`
    tells the time in seconds; both are needed only where jobs wait for company.
    """

    def __init__(
        self,
        defer: Callable[[Callable[[], None]], object],
        later: Callable[[float, Callable[[], None]], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.batching = Batching()
        self._later = later
        self._clock = clock
        self._timed = False
        self._defer = defer
        self._deferred = False
        self._ids = count(1)
        self._queue: deque[Job] = deque()
        self._in_hand: dict[WorkerPort, dict[int, Job]] = {}
        self._pace = Pace()

    @property
    def queued(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._queue)

    @property
    def limit(self) -> int:
        """How many jobs may wait at present; 0: any number."""
        return 0

    @property
    def in_hand(self) -> int:
        """How many jobs workers hold."""
        return sum(map(len, self._in_hand.values()))

    @property
    def workers(self) -> int:
        """How many workers take jobs."""
        return len(self._in_hand)

    def submit(self, job: Job) -> None:
        """Queues the job."""
        job.id = next(self._ids)
        if self.batching.wait_seconds:
            job.queued_at = self._clock()
        self._queue.append(job)
        self._dispatch_soon()

    def cancel(self, job: Job) -> None:
        """Forgets a job nobody waits for any more. One already with a worker is run unheard."""
        if job.on_outcome is _unheard:
            return  # it has its outcome, or was cancelled before
        job.on_outcome = _unheard
        if not job.sent:
            self._queue.remove(job)

    def attach(self, worker: WorkerPort) -> None:
        """A worker is ready for jobs."""
        self._in_hand[worker] = {}
        self._dispatch_soon()

    def detach(self, worker: WorkerPort, error: ReplyError) -> None:
        """A worker is gone: the job it was running ends with `error`, the others queue again."""
        jobs = list(self._in_hand.pop(worker, {}).values())
        begun = len(jobs) if self.batching.jobs > 1 else 1  # merged jobs begin together
        others = jobs[begun:]
        _end(jobs[:begun], error)
        again = [job for job in others if job.on_outcome is not _unheard]
        for job in again:
            job.sent = False
        # In the order they came, whichever worker had them.
        self._queue = deque(sorted([*again, *self._queue], key=attrgetter("id")))
        self._dispatch_soon()

    def complete(self, worker: WorkerPort, outcomes: Iterable[Outcome]) -> None:
        """Outcomes of jobs in a worker's hands. One whose job is not there is dropped."""
        in_hand = self._in_hand[worker]
        for outcome in outcomes:
            job = in_hand.get(outcome.id)
            if job is None:
                continue
            if outcome.streamed:
                self._open_stream(worker, job)  # the worker is busy with it till it ends
            else:
                del in_hand[outcome.id]
            if outcome.run_seconds:  # an input that was refused says nothing about run()
                self._pace.record(outcome.run_seconds)
            job.finish(outcome)
        if self._queue:
            self._dispatch_soon()

    def stream_ended(self, worker: WorkerPort, job_id: int, seconds: float) -> None:
        """The worker has sent the last of a streamed body, after so many seconds."""
        self._in_hand[worker].pop(job_id, None)
        self._pace.record(seconds)
        self._dispatch_soon()

    def _open_stream(self, worker: WorkerPort, job: Job) -> None:
        job.stream = worker.open_stream(job.id)
        if job.on_outcome is _unheard:
            job.stream.close()

    def fail_all(self, error: ReplyError) -> None:
        """Ends every job, queued or running, with `error`."""
        jobs = [*self._queue]
        self._queue.clear()
        for in_hand in self._in_hand.values():
            jobs += in_hand.values()
            in_hand.clear()
        _end(jobs, error)

    def _dispatch_soon(self) -> None:
        if not self._deferred:
            self._deferred = True
            self._defer(self._dispatch)

    def _dispatch(self) -> None:
        self._deferred = False
        if self._waits_for_company():
            return
        # The least loaded first, and each its share: none idles while another has a pile.
        by_load = sorted(self._in_hand.items(), key=lambda item: len(item[1]))
        rooms = [(worker, in_hand, self._room(len(in_hand))) for worker, in_hand in by_load]
        rooms = [row for row in rooms if row[2] > 0]
        for position, (worker, in_hand, room) in enumerate(rooms):
            share = -(-len(self._queue) // (len(rooms) - position))
            self._hand_over(worker, in_hand, min(share, room))

    def _room(self, in_hand: int) -> int:
        """How many more jobs a worker may be handed. It is topped up when half of them are done."""
        if self.batching.jobs > 1:
            return 0 if in_hand else self.batching.jobs
        ahead = self._pace.ahead
        return ahead - in_hand if 2 * in_hand <= ahead or not in_hand else 0

    def _waits_for_company(self) -> bool:
        """Whether the oldest job may still wait for others to be merged with."""
        jobs, wait_seconds = self.batching
        if not wait_seconds or not self._queue or len(self._queue) >= jobs:
            return False
        left = self._queue[0].queued_at + wait_seconds - self._clock()
        if left <= 0 or self._later is None:
            return False
        if not self._timed:
            self._timed = True
            self._later(left, self._waited)
        return True

    def _waited(self) -> None:
        self._timed = False
        self._dispatch()

    def _hand_over(self, worker: WorkerPort, in_hand: dict[int, Job], jobs: int) -> None:
        if jobs <= 0:
            return
        batch = [self._queue.popleft() for _ in range(jobs)]
        worker.send(batch)
        if not in_hand:
            batch[0].chunks = ()  # it begins at once; the others may have to be sent again
        for job in batch:
            in_hand[job.id] = job
            job.sent = True


def _unheard(outcome: Outcome | ReplyError) -> None:
    """Where the outcome of a cancelled job goes."""


def _end(jobs: Iterable[Job], error: ReplyError) -> None:
    for job in jobs:
        if job.stream is not None:
            job.stream.end(complete=False)
        else:
            job.finish(error)
