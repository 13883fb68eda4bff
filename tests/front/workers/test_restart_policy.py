"""When there is no point in starting another worker, and how long to wait before the next."""

from __future__ import annotations

import pytest

from scoreserve.front.workers.restart_policy import RestartPolicy


@pytest.fixture
def policy() -> RestartPolicy:
    return RestartPolicy()


def test_a_first_start_that_fails_is_hopeless(policy: RestartPolicy) -> None:
    policy.died(was_ready=False, running=False)
    assert policy.hopeless(0)


def test_nothing_is_hopeless_while_another_worker_takes_jobs(policy: RestartPolicy) -> None:
    policy.died(was_ready=False, running=False)
    assert not policy.hopeless(1)


def test_so_are_starts_that_fail_several_times_in_a_row(policy: RestartPolicy) -> None:
    policy.ready()
    policy.answered()
    for _ in range(5):
        policy.died(was_ready=False, running=False)
        assert not policy.hopeless(0)
    policy.died(was_ready=False, running=False)
    assert policy.hopeless(0)


def test_one_that_succeeds_begins_the_count_anew(policy: RestartPolicy) -> None:
    policy.ready()
    policy.answered()
    for _ in range(20):
        policy.died(was_ready=False, running=False)
        policy.ready()
        policy.answered()
    assert not policy.hopeless(0)


def test_requests_that_kill_their_workers_are_no_reason(policy: RestartPolicy) -> None:
    policy.ready()
    for _ in range(100):
        policy.died(was_ready=True, running=True)
        assert not policy.hopeless(0)
        policy.ready()
    for _ in range(6):
        policy.died(was_ready=True, running=False)
    assert policy.hopeless(0)


def test_pauses_grow_with_each_death_and_end_with_an_answer(policy: RestartPolicy) -> None:
    pauses = []
    for _ in range(4):
        policy.died(was_ready=True, running=True)
        pauses.append(policy.pause_seconds())
    assert pauses == sorted(set(pauses))
    policy.answered()
    assert policy.pause_seconds() == 0


def test_a_system_that_has_no_process_to_give_is_asked_less_and_less(policy: RestartPolicy) -> None:
    for _ in range(3):
        policy.start_refused()
    assert policy.pause_seconds() > 0
    policy.started()
    assert policy.pause_seconds() == 0


def test_merging_ends_with_the_fifth_death_of_it_until_a_reload(policy: RestartPolicy) -> None:
    assert [policy.died_of_merging() for _ in range(6)] == [False] * 4 + [True, False]
    policy.reloaded()
    assert not policy.died_of_merging()
