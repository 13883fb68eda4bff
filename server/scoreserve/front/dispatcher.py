"""The one queue: jobs wait here until a scoring worker is idle. Front process, event loop thread.

Pure decisions: no sockets, processes or clocks. Workers are seen through `WorkerPort`; a job says
through `on_outcome` where its answer goes. Every job submitted gets exactly one outcome, unless it
is cancelled first.

    submit ─→ queue ─→ in hand of one worker ─→ complete ─→ on_outcome
                 └── cancel: forgotten   └── worker lost: on_outcome(502)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Protocol

from scoreserve.errors import ReplyError
from scoreserve.wire import Outcome


class Job:
    """One request to score.

    `head` is the encoded request head, `chunks` the body as received (let go once sent), and
    `on_outcome` is called once with the worker's outcome or the error that stands for it.
    """

    __slots__ = ("chunks", "head", "id", "on_outcome", "worker")

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
        self.worker: WorkerPort | None = None


class WorkerPort(Protocol):
    """What the dispatcher needs of a worker."""

    def send(self, jobs: Sequence[Job]) -> None:
        """Hands jobs over; their outcomes come back through `Dispatcher.complete`."""


class Dispatcher:
    """Hands queued jobs to idle workers, first come first served."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._queue: deque[Job] = deque()
        self._idle: list[WorkerPort] = []
        self._in_hand: dict[WorkerPort, dict[int, Job]] = {}

    @property
    def queued(self) -> int:
        """How many jobs wait for a worker."""
        return len(self._queue)

    @property
    def busy(self) -> bool:
        """Whether any job is queued or in a worker's hands."""
        return bool(self._queue) or any(self._in_hand.values())

    @property
    def workers(self) -> int:
        """How many workers take jobs."""
        return len(self._in_hand)

    def submit(self, job: Job) -> None:
        """Queues the job, or hands it over at once when a worker is idle."""
        job.id = next(self._ids)
        self._queue.append(job)
        self._dispatch()

    def cancel(self, job: Job) -> None:
        """Forgets a job nobody waits for any more. One already in run() is left to finish."""
        if job.worker is not None:
            self._in_hand[job.worker].pop(job.id, None)
        else:
            self._queue.remove(job)

    def attach(self, worker: WorkerPort) -> None:
        """A worker is ready for jobs."""
        self._in_hand[worker] = {}
        self._idle.append(worker)
        self._dispatch()

    def detach(self, worker: WorkerPort, error: ReplyError) -> None:
        """A worker is gone: the jobs in its hands end with `error`, the queue waits for others."""
        lost = self._in_hand.pop(worker, {})
        if worker in self._idle:
            self._idle.remove(worker)
        _end(lost.values(), error)

    def complete(self, worker: WorkerPort, outcomes: Iterable[Outcome]) -> None:
        """The outcomes of all jobs a worker was sent; it is idle again.

        An outcome whose job is not in that worker's hands (it was cancelled) is dropped.
        """
        jobs = self._in_hand[worker]
        self._in_hand[worker] = {}
        self._idle.append(worker)
        self._dispatch()  # first, so that the worker runs while the answers are written
        for outcome in outcomes:
            job = jobs.pop(outcome.id, None)
            if job is not None:
                job.on_outcome(outcome)
        _end(jobs.values(), ReplyError("The scoring worker gave no answer."))

    def fail_all(self, error: ReplyError) -> None:
        """Ends every job, queued or running, with `error`."""
        jobs = [*self._queue]
        self._queue.clear()
        for in_hand in self._in_hand.values():
            jobs += in_hand.values()
            in_hand.clear()
        _end(jobs, error)

    def _dispatch(self) -> None:
        while self._queue and self._idle:
            worker = self._idle.pop()  # the one used last has the warmest caches
            job = self._queue.popleft()
            job.worker = worker
            self._in_hand[worker][job.id] = job
            worker.send((job,))
            job.chunks = ()


def _end(jobs: Iterable[Job], error: ReplyError) -> None:
    for job in jobs:
        job.on_outcome(error)
