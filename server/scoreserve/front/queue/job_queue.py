"""The jobs that wait for a worker, in the order in which they came.

They wait equally long, so the oldest is the first whose time is up. A job that went back keeps its
place and its time. One that is cancelled keeps its place too, without its body, until it is come
upon or such places are more than the others: taking each out at once would cost a look at the whole
queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from operator import attrgetter

from scoreserve.front.queue.job import QueuedJob


class JobQueue:
    """A queue of jobs. `len` counts those that somebody waits for."""

    def __init__(self) -> None:
        self._jobs: deque[QueuedJob] = deque()
        self._forgotten = 0
        self._lonely = False  # jobs that are to be merged with no other may be among them

    def __len__(self) -> int:
        return len(self._jobs) - self._forgotten

    def append(self, job: QueuedJob) -> None:
        """The newest job."""
        self._jobs.append(job)

    def forget(self, job: QueuedJob) -> None:
        """Nobody waits for this job in the queue any more."""
        job.forget()
        job.chunks = ()
        self._forgotten += 1
        if 2 * self._forgotten > len(self._jobs):
            self._keep(self._jobs)

    def put_back(self, jobs: Iterable[QueuedJob]) -> None:
        """Jobs that were taken, each in the place it had, whichever worker had them."""
        self._keep(sorted([*jobs, *self._jobs], key=attrgetter("id")))

    def oldest(self) -> QueuedJob | None:
        """The job that has waited longest."""
        while self._jobs:
            if self._jobs[0].awaited:
                return self._jobs[0]
            self._jobs.popleft()
            self._forgotten -= 1
        return None

    def take(self, most: int) -> list[QueuedJob]:
        """The oldest jobs, at most so many. One that is to be merged with no other comes alone."""
        if not self._forgotten and not self._lonely:
            return [self._jobs.popleft() for _ in range(min(most, len(self._jobs)))]
        taken: list[QueuedJob] = []
        while len(taken) < most and (job := self.oldest()) is not None:
            if job.alone and taken:
                break
            taken.append(self._jobs.popleft())
            if job.alone:
                break
        self._lonely = self._lonely and bool(self._jobs)
        return taken

    def take_queued_until(self, latest: float) -> list[QueuedJob]:
        """The jobs that have waited since then or longer."""
        taken = []
        while (job := self.oldest()) is not None and job.queued_at <= latest:
            taken.append(self._jobs.popleft())
        return taken

    def clear(self) -> list[QueuedJob]:
        """Takes all jobs."""
        return self.take_queued_until(float("inf"))

    def _keep(self, jobs: Iterable[QueuedJob]) -> None:
        self._jobs = deque(job for job in jobs if job.awaited)
        self._forgotten = 0
        self._lonely = any(job.alone for job in self._jobs)
