"""When the front lets the workers finish what they hold before it runs."""

from __future__ import annotations

import os

import pytest

from scoreserve.front.workers import cpu_policy
from scoreserve.front.workers.cpu_policy import ENOUGH_AHEAD, CpuPolicy
from tests.front.conftest import SetPolicy

pytestmark = pytest.mark.usefixtures("set_policy")


def policies(*handed_ahead: int) -> list[int]:
    """The policy at the end of each second and after it, by the jobs handed ahead in it."""
    policy, seen = CpuPolicy(), []
    for jobs in handed_ahead:
        policy.handed_ahead(jobs // 2)
        policy.handed_ahead(jobs - jobs // 2)
        seen.append(os.sched_getscheduler(0))
        policy.second_over()
        seen.append(os.sched_getscheduler(0))
    return seen


def forbid(*_: object) -> None:
    raise PermissionError


def test_the_front_yields_while_many_jobs_are_handed_ahead() -> None:
    few, enough = ENOUGH_AHEAD - 1, ENOUGH_AHEAD
    yields, not_yields = os.SCHED_BATCH, os.SCHED_OTHER
    assert policies(few, few, enough, 10 * enough, few, few, enough) == [
        *(not_yields, not_yields),
        *(not_yields, not_yields),
        *(yields, yields),
        *(yields, yields),
        *(yields, not_yields),
        *(not_yields, not_yields),
        *(yields, yields),
    ]


def test_a_policy_that_the_server_was_started_with_is_left_alone(set_policy: SetPolicy) -> None:
    set_policy(os.SCHED_BATCH)
    assert policies(5000, 0) == [os.SCHED_BATCH] * 4


def test_where_setting_it_is_forbidden_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patches:
        patches.setattr(os, "sched_setscheduler", forbid)
        assert policies(5000, 0) == [os.SCHED_OTHER] * 4


def test_where_asking_for_it_is_forbidden_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patches:
        patches.setattr(os, "sched_getscheduler", forbid)
        CpuPolicy().handed_ahead(5000)
        cpu_policy.drop_inherited(os.getpid())
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
