"""How many jobs may wait, and when who is turned away is told to come back."""

from __future__ import annotations

import pytest

from scoreserve.front.queue.limits import QueueLimits, ServiceRate, retry_seconds


class TestServiceRate:
    def test_is_the_mean_of_what_was_done(self) -> None:
        rate = ServiceRate()
        rate.record(3.0, 1)
        rate.record(1.0, 3)
        assert rate.job_seconds() == 1.0

    def test_forgets(self) -> None:
        rate = ServiceRate()
        for _ in range(1000):
            rate.record(10.0, 1)
        for _ in range(1000):
            rate.record(0.001, 1)
        assert rate.job_seconds() < 0.2

    def test_grows_while_a_job_does_not_end(self) -> None:
        rate = ServiceRate()
        rate.record(1.0, 1)
        assert rate.job_seconds(under_way=99.0) == 50.0

    def test_of_a_script_that_has_finished_nothing_is_what_it_has_taken_so_far(self) -> None:
        assert ServiceRate().job_seconds(under_way=99.0) == 99.0
        assert 0 < ServiceRate().job_seconds() < 0.1


class TestMost:
    @pytest.mark.parametrize(
        ("workers", "batch", "job_seconds", "most"),
        [
            (1, 1, 10.0, 64),
            (4, 32, 10.0, 512),  # four batches a worker
            (1, 1, 0.001, 1000),  # what is done in a second
            (2, 1, 0.001, 2000),
        ],
    )
    def test_is_as_many_as_is_sensible(
        self, workers: int, batch: int, job_seconds: float, most: int
    ) -> None:
        assert QueueLimits().most(workers, batch, job_seconds) == most

    def test_is_what_is_set(self) -> None:
        assert QueueLimits(jobs=5).most(8, 32, 0.001) == 5

    def test_stands_a_clock_that_stands_still(self) -> None:
        assert QueueLimits().most(1, 1, 0.0) > 64


class TestRetry:
    @pytest.mark.parametrize(
        ("waiting", "workers", "job_seconds", "seconds"),
        [
            (64, 1, 0.5, 32),
            (64, 4, 0.5, 8),
            (10, 1, 0.11, 2),  # rounded up
            (64, 1, 0.001, 1),
            (64, 1, 60.0, 300),
            (64, 0, 0.5, 32),  # the worker is being replaced
        ],
    )
    def test_is_when_the_jobs_that_wait_are_done(
        self, waiting: int, workers: int, job_seconds: float, seconds: int
    ) -> None:
        assert retry_seconds(waiting, workers, job_seconds) == seconds
