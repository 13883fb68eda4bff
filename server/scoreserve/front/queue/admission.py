"""How many jobs may wait for a worker, until when, and what is told whom they turn away. Pure.

a job comes ─→ admits ─ yes ─→ it waits ─→ deadline passes ─→ QueueTimeout
                 └ no ─→ count again ─ no ─→ QueueFull, with Retry-After
"""

from __future__ import annotations

import math

from scoreserve.errors import QueueFull, QueueTimeout
from scoreserve.front.queue.limits import QueueLimits, ServiceRate, retry_seconds


class Admission:
    """The rules of one queue. Times are in seconds; `workers` below is how many take jobs, and
    `under_way` for how long they have been at jobs that are not finished, all together.
    """

    def __init__(self, limits: QueueLimits) -> None:
        self.most = limits.most(1, 1, math.inf)  # jobs that may wait now
        self._limits = limits
        self._wait_seconds = limits.wait_ms / 1000 if limits.wait_ms else math.inf
        self._room_left = 0  # for so many more jobs at least, without a look at the queue
        self._rate = ServiceRate()

    def admits(self) -> bool:
        """Whether one more job may wait, as far as is known without counting those that do."""
        self._room_left -= 1
        return self._room_left >= 0

    def admits_beside(self, queued: int) -> bool:
        """Whether one more job may wait beside these."""
        self._room_left = self.most - queued - 1
        return self._room_left >= 0

    def count_again(self) -> None:
        """What is known of the room holds no longer."""
        self._room_left = 0

    def counted(self, queued: int) -> None:
        """So many jobs wait now."""
        self._room_left = self.most - queued

    def adapt(self, workers: int, batch: int, under_way: float) -> None:
        """Sets how many may wait for these workers, which take `batch` jobs at once."""
        workers = max(workers, 1)  # a lost one is being replaced
        self.most = self._limits.most(workers, batch, self._rate.job_seconds(under_way))
        self._room_left = 0

    def finished(self, seconds: float, jobs: int) -> None:
        """A worker had work for so many seconds and finished so many jobs."""
        self._rate.record(seconds, jobs)

    def deadline(self, queued_at: float) -> float:
        """Until when a job may wait that came then; infinity where that is not limited."""
        return queued_at + self._wait_seconds

    def overdue_since(self, now: float) -> float:
        """Jobs that were queued then or before have waited for too long."""
        return now - self._wait_seconds

    def full(self, queued: int, workers: int, under_way: float) -> QueueFull:
        """What a job gets that may not wait."""
        return QueueFull(queued, self.retry_seconds(queued, workers, under_way))

    def overdue(self, queued: int, workers: int, under_way: float) -> QueueTimeout:
        """What a job gets that has waited for too long."""
        seconds = self.retry_seconds(queued, workers, under_way)
        return QueueTimeout(self._limits.wait_ms, seconds)

    def retry_seconds(self, queued: int, workers: int, under_way: float) -> int:
        """When the jobs that wait now will have been done, in whole seconds."""
        return retry_seconds(queued, workers, self._rate.job_seconds(under_way))
