"""The jobs that one worker was handed and has not answered, and which of them it has begun."""

from __future__ import annotations

from collections.abc import Sequence

from scoreserve.front.queue.job import QueuedJob


class InFlight:
    """What one worker has in hand: `jobs` by their ids, in the order in which it got them.

    `merges`: they may share a run(). `busy_since` is when it was handed the first of them, or
    finished a job last.
    """

    def __init__(self, now: float, *, merges: bool) -> None:
        self.jobs: dict[int, QueuedJob] = {}
        self.merges = merges
        self.busy_since = now
        self.streams = 0  # bodies that the worker is sending
        self.merged_rows = 0  # of the last run() that it has told of
        # What the worker said last; none while it compares what merged calls give.
        self._running: Sequence[int] | None = None

    def add(self, batch: list[QueuedJob], now: float) -> QueuedJob | None:
        """The worker is handed these. Returns the one that it begins at once, whose body cannot be
        needed again; the others may have to be sent again.
        """
        begins: QueuedJob | None = None
        if not self.jobs:
            self.busy_since = now
            if self._running:  # else it compares, and has begun nothing yet
                self._running = None
            if not self.merges:
                begins = batch[0]
        for job in batch:
            self.jobs[job.id] = job
            job.sent = True
        return begins

    def began(self, job_ids: Sequence[int]) -> None:
        """The worker calls run() for these jobs, merged if there are several; for none, while it
        compares what merged calls give.
        """
        self._running = job_ids

    @property
    def begun(self) -> list[QueuedJob]:
        """The jobs that the worker is running: one, or several that are merged. Unless it says
        which, they are all that it was handed to merge, or it is about to say.
        """
        if self._running is not None:
            return [self.jobs[job_id] for job_id in self._running if job_id in self.jobs]
        jobs = list(self.jobs.values())
        return jobs if self.merges else jobs[:1]

    def note_batch(self, job_ids: Sequence[int]) -> None:
        """The worker has answered these jobs together. If they are those that it was running, their
        run() was one.
        """
        jobs = self.begun
        if len(jobs) < 2 or sorted([job.id for job in jobs]) != sorted(job_ids):
            return
        leader = min(jobs, key=_id_of)
        batch = (leader.request_id, leader.id, len(jobs), self.merged_rows)
        for job in jobs:
            job.batch = batch


def _id_of(job: QueuedJob) -> int:
    return job.id
