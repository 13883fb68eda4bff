"""What merged runs must show beside single ones."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import pytest

from scoreserve.errors import ScriptFailed
from scoreserve.settings import Settings
from scoreserve.worker.rows.merge_registry import PayloadKind, Step
from scoreserve.worker.rows.merged_runs import MergedRuns
from scoreserve.worker.rows.proof import Proof
from scoreserve.worker.rows.reasons import NotSplit
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.script_runner import ScriptRunner

pytestmark = pytest.mark.usefixtures("own_alarm", "server_log")

Make = Callable[[list[float]], Any]


class Attempt:
    """One comparison of what a function of the rows gives alone and merged.

    `calls` are the numbers of rows of the calls that it took, beside those alone.
    """

    def __init__(self, make: Make, *requests: Sequence[float], max_rows: int = 64) -> None:
        def run(data: str) -> Any:
            rows = json.loads(data)
            self.calls.append(len(rows))
            return make(rows)

        self.calls: list[int] = []
        runs = MergedRuns(ScriptRunner(run, convention_of(run), Settings()), max_rows, "data")
        members = [runs.sample({"data": json.dumps(list(rows))}) for rows in requests]
        alone = [(member, runs.alone(member)) for member in members]
        self.calls.clear()
        self.kind = PayloadKind()
        Proof(runs, self.kind).compare(alone)

    @property
    def found(self) -> str:
        """What it proves."""
        if self.kind.controls is not None:
            return "rows"
        return "nothing" if self.kind.split is None else "this request"


def test_rows_whose_results_differ_prove_something() -> None:
    proved = Attempt(lambda rows: [row * 2 for row in rows], [1.0], [2.0])
    assert proved.found == "rows"
    assert proved.calls == [2, 2]
    assert proved.kind.controls is not None
    assert [control.result for control in proved.kind.controls] == [[2.0], [4.0]]


def test_rows_of_one_result_prove_nothing() -> None:
    assert Attempt(lambda rows: [0] * len(rows), [1.0], [2.0]).found == "nothing"


def test_equal_requests_prove_something_for_themselves() -> None:
    proved = Attempt(lambda rows: [row * 2 for row in rows], [1.0], [1.0])
    assert proved.found == "this request"
    assert proved.kind.step is Step.PROVE


def test_an_error_that_the_script_returned_says_nothing_of_the_others() -> None:
    def make(rows: list[float]) -> Any:
        return "bad" if 0.0 in rows else [1 / row for row in rows]

    assert Attempt(make, [1.0], [0.0], [2.0]).found == "rows"
    assert Attempt(make, [1.0], [0.0]).found == "nothing"


def test_no_results_at_all_prove_nothing() -> None:
    assert Attempt(lambda rows: rows).found == "nothing"


@pytest.mark.parametrize(
    "make",
    [
        lambda rows: [row - sum(rows) / len(rows) for row in rows],
        lambda rows: [row / max(rows) for row in rows],
        sorted,
        lambda rows: rows[::-1],
        lambda rows: [rows[0]] * len(rows),
        lambda rows: [len(rows)] * len(rows),
        lambda rows: {"rows": rows, "count": len(rows)},
        lambda rows: rows[0],
        lambda rows: f"{rows}!",
    ],
    ids=["mean", "max", "sorted", "reversed", "first", "number", "number beside", "one", "text"],
)
def test_a_request_of_several_rows_refutes_what_does_not_go_by_rows(make: Make) -> None:
    """Whatever company it has: its rows alone are not the pieces of its own result."""
    with pytest.raises(NotSplit):
        Attempt(make, [3.0, 5.0, 4.0], [3.0, 5.0, 4.0])


@pytest.mark.parametrize("make", [sorted, lambda rows: list(accumulate(rows))])
def test_rows_that_come_out_right_in_one_order_only_refute_it(make: Make) -> None:
    for first, last in ((0.0, 5.0), (5.0, 0.0)):
        with pytest.raises(NotSplit):
            Attempt(make, [first], [last])


def test_a_merged_run_that_fails_is_told() -> None:
    def make(rows: list[float]) -> list[float]:
        if len(rows) > 1:
            raise ValueError("one at a time")
        return rows

    with pytest.raises(ScriptFailed):
        Attempt(make, [1.0], [2.0])


def test_no_call_has_more_rows_than_allowed() -> None:
    proved = Attempt(lambda rows: rows, [1.0, 2.0], [3.0, 4.0], max_rows=4)
    assert proved.found == "rows"
    assert max(proved.calls) == 4


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7])
def test_requests_of_many_rows_do_not_cost_a_call_for_each(count: int) -> None:
    requests = [[float(start + place) for place in range(count)] for start in range(12)]
    proved = Attempt(lambda rows: rows, *requests)
    assert len(proved.calls) <= 40
