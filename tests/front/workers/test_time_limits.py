"""When a worker has been at one thing for too long."""

from __future__ import annotations

import pytest

from scoreserve.front.workers.time_limits import TimeLimits
from scoreserve.settings import Settings


def test_run_may_outlast_its_timeout_by_a_moment_to_clean_up() -> None:
    limits = TimeLimits(Settings(scoring_timeout_ms=1000))
    assert limits.run_exceeded(2.0) is None
    exceeded = limits.run_exceeded(60.0)
    assert exceeded is not None
    assert exceeded.reason == "scoring_timeout"
    assert exceeded.error.status == 500
    assert exceeded.error.message == "Scoring timeout after 1000 ms"


def test_the_workers_timeout_covers_init_and_run() -> None:
    limits = TimeLimits(Settings(worker_timeout_s=10))
    for exceeded, name, reason in [
        (limits.init_exceeded, "init()", "init_timeout"),
        (limits.run_exceeded, "run()", "worker_timeout"),
    ]:
        assert exceeded(9.0) is None
        limit = exceeded(11.0)
        assert limit is not None
        assert limit.reason == reason
        assert limit.error.status == 502
        assert name in limit.error.message
        assert "WORKER_TIMEOUT, 10 s" in limit.error.message


@pytest.mark.parametrize("seconds", [0.0, 3600.0, 1e9])
def test_zero_is_no_limit(seconds: float) -> None:
    limits = TimeLimits(Settings(worker_timeout_s=0, scoring_timeout_ms=0))
    assert limits.init_exceeded(seconds) is None
    assert limits.run_exceeded(seconds) is None
