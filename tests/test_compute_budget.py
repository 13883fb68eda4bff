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


def test_omp_num_threads_of_the_user_holds_where_it_is_read() -> None:
    """OpenBLAS, MKL and numexpr would prefer one of ours to it; the others do not know it."""
    limits = thread_limits(8, 2, {"OMP_NUM_THREADS": "8"})
    names = {"VECLIB_MAXIMUM_THREADS", "RAYON_NUM_THREADS", "ORT_INTRA_OP_NUM_THREADS"}
    assert limits == dict.fromkeys(names, "4")
