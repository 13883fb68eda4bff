"""How many threads numeric libraries are told to start."""

from __future__ import annotations

import pytest

from scoreserve.compute_budget import VARIABLES, thread_limits


@pytest.mark.parametrize(("cpus", "workers", "threads"), [(8, 2, "4"), (8, 3, "2"), (2, 4, "1")])
def test_workers_share_the_cpus(cpus: int, workers: int, threads: str) -> None:
    assert thread_limits(cpus, workers, {}) == dict.fromkeys(VARIABLES, threads)


def test_what_the_user_has_set_stays() -> None:
    limits = thread_limits(8, 2, {"MKL_NUM_THREADS": "8"})
    assert set(limits) == set(VARIABLES) - {"MKL_NUM_THREADS"}


def test_omp_num_threads_of_the_user_speaks_for_all() -> None:
    """Ours for a single library would take precedence over it."""
    assert thread_limits(8, 2, {"OMP_NUM_THREADS": "8"}) == {}
