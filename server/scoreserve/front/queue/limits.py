"""How many jobs may wait for how long, and when who is turned away may come back. Pure.

What counts is the queue: jobs handed to workers do not. A worker holds at most as many jobs ahead
as it does in 2 ms (`front.pace`), or one batch, so they are as good as running.
"""

from __future__ import annotations

import math
from typing import NamedTuple

_LEAST_JOBS = 64
_LEAST_BATCHES = 4  # per worker, so that batches are full while there is load
_AUTOMATIC_SECONDS = 1.0  # of waiting: what fast scripts do in it may always wait
_SHORTEST_SECONDS = 1e-6  # for a job: a clock may stand still
_LONGEST_RETRY_SECONDS = 300
_REMEMBERED_JOBS = 128  # of twice as many, half the weight is forgotten
_UNKNOWN_SECONDS = 0.002  # for a job, until the first of all has taken longer or is done


class ServiceRate:
    """How long a worker takes for a job, as seen lately: what else it costs than run() counts."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._jobs = 0.0

    def record(self, seconds: float, jobs: int) -> None:
        """A worker had work for so many seconds and finished so many jobs."""
        self._seconds += seconds
        self._jobs += jobs
        if self._jobs > 2 * _REMEMBERED_JOBS:
            self._seconds /= 2
            self._jobs /= 2

    def job_seconds(self, under_way: float = 0.0) -> float:
        """Seconds per job.

        `under_way`: for how long workers have been at jobs that are not finished. It tells of a
        script that has become slow, or has not finished anything yet.
        """
        if not self._jobs:
            return max(under_way, _UNKNOWN_SECONDS)
        return (self._seconds + under_way) / (self._jobs + 1 if under_way else self._jobs)


class QueueLimits(NamedTuple):
    """How many jobs may wait, 0: as many as is sensible; and for how long, 0: for ever."""

    jobs: int = 0
    wait_ms: int = 0

    def most(self, workers: int, batch: int, job_seconds: float) -> int:
        """How many jobs may wait for these workers, which take `batch` of them at once.

        Unless it is set: what the workers do in a second, but not too few for full batches. A fixed
        number would turn clients of a fast script away that would have waited for a millisecond.
        """
        if self.jobs:
            return self.jobs
        quick = int(_AUTOMATIC_SECONDS * workers / max(job_seconds, _SHORTEST_SECONDS))
        return max(_LEAST_JOBS, _LEAST_BATCHES * batch * workers, quick)


DEFAULT_LIMITS = QueueLimits()


def retry_seconds(waiting: int, workers: int, job_seconds: float) -> int:
    """When the jobs that wait now will have been done, in whole seconds."""
    seconds = waiting * job_seconds / max(workers, 1)
    return max(1, min(math.ceil(seconds), _LONGEST_RETRY_SECONDS))
