"""Audits: seldom, after the answers, and a difference ends merging."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from typing import Any

import pytest

from scoreserve.worker.rows.audits import Audits
from scoreserve.worker.rows.kinds import Kind
from scoreserve.worker.rows.merged_runs import NO_CALL, Member
from tests.worker.fakes import job_of
from tests.worker.rows.batching import (
    NOT_ROW_WISE,
    POISON,
    ROW_WISE,
    Script,
    body,
    checked,
    counted,
    row_wise,
)

pytestmark = pytest.mark.usefixtures("own_alarm", "server_log")

MEMBERS = [Member(NO_CALL, Kind(), 1, None, None) for _ in range(4)]


class Runs:
    """Every request has this result alone."""

    timeout_seconds = 3600.0

    def __init__(self, result: Any) -> None:
        self.result = result
        self.spent: list[float] = []

    def again(self, member: Member, spent: float) -> Any:
        self.spent.append(spent)
        return self.result


def audits(result: Any = None) -> Audits:
    return Audits(Runs(result), random.Random(1))  # type: ignore[arg-type]


class TestTurns:
    def test_the_first_merged_call_is_audited_and_then_a_fiftieth_of_the_time(self) -> None:
        turns = audits([1.0])
        taken = 0.0
        for _ in range(1000):
            turns.merged(MEMBERS, [[1.0]] * 4, 0.010)
            if turns.due:
                assert not turns.difference()
                turns.took(0.004)
                taken += 0.004
        assert 0.015 < taken / 10.0 <= 0.0205

    def test_it_may_take_half_a_minute_of_an_hour(self) -> None:
        runs = Runs([1.0])
        turns = Audits(runs, random.Random(1))  # type: ignore[arg-type]
        turns.merged(MEMBERS, [[1.0]] * 4, 1.0)
        turns.difference()
        assert runs.spent == [3570.0]

    def test_a_result_is_kept_as_it_was_answered(self) -> None:
        result = [[1.0]]
        turns = audits([[2.0]])
        turns.merged(MEMBERS, [result] * 4, 1.0)
        result[0][0] = 2.0
        assert turns.difference()

    def test_a_result_that_cannot_be_copied_is_not_audited(self) -> None:
        turns = audits()
        turns.merged(MEMBERS, [threading.Lock()] * 4, 1.0)
        assert not turns.due


@pytest.mark.parametrize("name", sorted(NOT_ROW_WISE))
def test_a_script_that_does_not_go_by_rows_is_not_merged_any_more(
    name: str, server_log: pytest.LogCaptureFixture
) -> None:
    run, calls = counted(lambda data: NOT_ROW_WISE[name](checked(data)))
    script = Script(run, audited=True)
    for number in range(200):
        # Too small and too large by turns, so that whichever is audited differs.
        script.batcher._audits.took(-1.0)  # as if there had been none for long
        script.score([body(number + 3), body(number + 7, number + 1), body(number + 90)])
        if script.batcher.off:
            break
    assert script.batcher.off == "rows_differ"
    assert sum(text.startswith("Batching is off") for text in server_log.messages) == 1
    report = script.batcher.report()
    assert report is not None
    assert report["off"] == "rows_differ"
    assert script.batcher.report() is None
    calls.clear()
    script.score([body(1), body(2), body(3)])
    assert calls == [1, 1, 1]
    assert script.batcher.report() is None


@pytest.mark.parametrize("name", sorted(set(ROW_WISE) - {"the wrong type"}))
def test_a_script_that_does_stays_merged(name: str) -> None:
    script = Script(row_wise(name), audited=True)
    for number in range(30):
        script.batcher._audits.took(-1.0)
        script.score([body(number), body(number + 7, number + 1), body(number + 90)])
    assert not script.batcher.off


def test_random_results_are_found_out() -> None:
    count = itertools.count()
    script = Script(lambda data: [next(count) for _ in checked(data)], audited=True)
    script.score([body(1), body(2)])
    assert script.batcher.off == "rows_differ"


def test_all_are_answered_before_it() -> None:
    events: list[str] = []
    texts = [*map(body, range(3)), *(json.dumps([[float(row)]]) for row in range(3))]

    def by_either(data: str) -> list[float]:
        value = json.loads(data)
        rows = value if isinstance(value, list) else value["data"]
        events.append(f"run {len(rows)}")
        return [row[0] for row in rows]

    script = Script(by_either, audited=True)
    jobs = [job_of(text.encode(), id=number) for number, text in enumerate(texts)]
    groups = script.batcher.score(script.runner.read(jobs), script._begin)
    events.extend(f"answer {len(group)}" for group in groups)
    assert events == ["run 3", "answer 3", "run 3", "answer 3", "run 1"]
    assert script.began[-1] == []  # nobody is to blame if the process dies of it


@pytest.mark.parametrize("hangs", [False, True])
def test_one_that_fails_tells_nothing(hangs: bool) -> None:
    def run(data: str) -> list[float]:
        rows = checked(data)
        if len(rows) == 1:
            if hangs:
                time.sleep(60)  # until the alarm
            raise ValueError
        return rows

    script = Script(run, audited=True, scoring_timeout_ms=50)
    assert [status for status, _ in script.score([body(1), body(2)])] == [200, 200]
    assert not script.batcher.off


def test_arguments_are_as_they_came_though_the_script_changed_them() -> None:
    def run(data: list[dict[str, float]]) -> list[float]:
        return [row.pop("x") for row in data]

    script = Script(run, audited=True, decorated=True)
    texts = [json.dumps({"data": [{"x": float(x)}]}) for x in range(3)]
    for _ in range(5):
        script.batcher._audits.took(-1.0)
        assert script.score(texts) == [(200, f"[{float(x)}]".encode()) for x in range(3)]
    assert not script.batcher.off


def test_what_fails_whole_is_no_difference() -> None:
    script = Script(row_wise("list"), audited=True)
    for _ in range(5):
        script.batcher._audits.took(-1.0)
        script.score([body(1), body(POISON), body(2), body(3)])
    assert not script.batcher.off
