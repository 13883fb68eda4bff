"""How many jobs a worker is handed ahead."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scoreserve.front.queue.read_ahead import MOST_AHEAD, ReadAhead


def paced(run_seconds: float, runs: int) -> ReadAhead:
    pace = ReadAhead()
    for _ in range(runs):
        pace.record(run_seconds)
    return pace


def test_one_at_a_time_until_something_is_known() -> None:
    assert ReadAhead().ahead == 1


def test_a_fast_script_gets_what_fits_in_two_milliseconds() -> None:
    assert paced(0.0001, 1000).ahead in (19, 20)


def test_a_slow_script_gets_one_at_a_time() -> None:
    assert paced(0.1, 1000).ahead == 1


def test_never_more_than_the_most() -> None:
    assert paced(1e-9, 1000).ahead == MOST_AHEAD


def test_runs_that_take_no_measurable_time_stay_at_the_most() -> None:
    """The mean of ever so many zeros must not become too small to divide by."""
    assert paced(0.0, 50_000).ahead == MOST_AHEAD


def test_one_slow_run_after_many_fast_ones_is_enough() -> None:
    pace = paced(1e-5, 1000)
    pace.record(1.0)
    assert pace.ahead == 1


def test_a_hiccup_of_the_machine_is_not_a_slow_script() -> None:
    pace = paced(1e-5, 1000)
    pace.record(0.005)
    assert pace.ahead > 1


@given(st.lists(st.floats()))
def test_always_at_least_one_and_at_most_the_most(seconds: list[float]) -> None:
    pace = ReadAhead()
    for each in seconds:
        pace.record(each)
        assert 1 <= pace.ahead <= MOST_AHEAD
