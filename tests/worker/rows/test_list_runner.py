"""A run() under `@batched`: lists in, lists out, each answer its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoreserve import batched, heads, logs
from scoreserve._batched import BatchedRun, batched_run
from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.rows.list_runner import ListRunner
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.script_runner import ScriptRunner
from tests.worker.fakes import head_of, job_of

pytestmark = pytest.mark.usefixtures("own_alarm", "server_log")

FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


def score(
    run: Callable[..., Any], bodies: Sequence[bytes], most: int = 32
) -> dict[int, tuple[int, Any]]:
    """(status, body) of each job, by its place in `bodies`."""
    convention = convention_of(run)
    runner = ScriptRunner(run, convention, Settings())
    assert convention.text_parameter is not None
    together = ListRunner(runner, convention.text_parameter, most)
    calls = runner.read([job_of(body, id=place) for place, body in enumerate(bodies)])
    outcomes = [outcome for group in together.score(calls) for outcome in group]
    assert sorted(outcome.id for outcome in outcomes if isinstance(outcome, Outcome)) == list(
        range(len(bodies))
    )
    return {
        outcome.id: (outcome.status, json.loads(outcome.body))
        for outcome in outcomes
        if isinstance(outcome, Outcome)
    }


class Doubling:
    """Doubles numbers; `sizes` are the lengths of the lists it got."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, inputs: list[str]) -> list[Any]:
        self.sizes.append(len(inputs))
        return [2 * int(text) for text in inputs]


def test_inputs_share_calls_up_to_the_limit() -> None:
    doubling = Doubling()
    answers = score(doubling.run, [b"%d" % number for number in range(10)], most=4)
    assert answers == {number: (200, 2 * number) for number in range(10)}
    assert doubling.sizes == [4, 4, 2]


def test_what_is_logged_is_about_all_of_them(json_logs: None) -> None:
    logged: list[str] = []

    def run(inputs: list[str]) -> list[Any]:
        logged.append(logs.request_id())
        return inputs

    convention = convention_of(run)
    together = ListRunner(ScriptRunner(run, convention, Settings()), "inputs", 2)
    calls = [
        convention.call(replace(job_of(), head=heads.encode_head(head_of(), name)))
        for name in (b"a", b"b", b"c")
    ]
    list(together.score(calls))
    assert logged == ["a,b", "c"]


def test_a_merged_call_takes_its_time_for_each() -> None:
    def run(inputs: list[str]) -> list[Any]:
        return inputs

    convention = convention_of(run)
    together = ListRunner(ScriptRunner(run, convention, Settings()), "inputs", 9)
    (group,) = together.score([convention.call(job_of(id=number)) for number in range(3)])
    times = {outcome.run_seconds for outcome in group if isinstance(outcome, Outcome)}
    assert len(times) == 1
    assert times.pop() > 0


def test_a_lone_input_comes_in_a_list_too() -> None:
    doubling = Doubling()
    assert score(doubling.run, [b"21"]) == {0: (200, 42)}
    assert doubling.sizes == [1]


def test_an_input_that_is_refused_is_not_among_them() -> None:
    doubling = Doubling()
    answers = score(doubling.run, [b"1", b"\xff", b"3"])
    assert answers[0] == (200, 2)
    assert answers[1][0] == 400
    assert answers[2] == (200, 6)
    assert doubling.sizes == [2]


def test_an_exception_in_the_list_is_one_answer() -> None:
    def run(inputs: list[str]) -> list[Any]:
        return [ValueError(text) if text == "bad" else text for text in inputs]

    assert score(run, [b"a", b"bad", b"c"]) == {
        0: (200, "a"),
        1: (500, {"message": FAILED}),
        2: (200, "c"),
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.one_of(st.integers(0, 99), st.just(None)), max_size=40), st.integers(1, 40))
def test_a_bad_input_fails_alone(numbers: list[int | None], most: int) -> None:
    bodies = [b"poison" if number is None else b"%d" % number for number in numbers]
    expected = {
        place: (500, {"message": FAILED}) if number is None else (200, 2 * number)
        for place, number in enumerate(numbers)
    }
    assert score(Doubling().run, bodies, most) == expected


@pytest.mark.parametrize("results", [[1], [1, 2, 3], {"a": 1, "b": 2}, None, "ab", 5])
def test_a_list_of_another_length_is_an_error_for_all(results: Any) -> None:
    """Whose is whose cannot be known."""
    answers = score(lambda inputs: results, [b"1", b"2"])
    assert [status for status, _ in answers.values()] == [500, 500]


def _taking_out(inputs: list[str]) -> list[str]:
    results = []
    while inputs:
        results.append(inputs.pop(0) + "!")
    return results


def _answering_in_place(inputs: list[str]) -> list[str]:
    inputs[:] = [text + "!" for text in inputs]
    return inputs


@pytest.mark.parametrize("run", [_taking_out, _answering_in_place])
def test_run_may_change_the_list_it_gets(run: Callable[[list[str]], list[str]]) -> None:
    assert score(run, [b"a", b"b"]) == {0: (200, "a!"), 1: (200, "b!")}


@pytest.mark.parametrize("kept", [1, 3])
def test_as_many_results_as_are_left_in_the_list_it_got_are_too_few_or_too_many(kept: int) -> None:
    def run(inputs: list[str]) -> list[str]:
        inputs[:] = (inputs * 2)[:kept]
        return list(inputs)

    answers = score(run, [b"a", b"b"])
    assert [status for status, _ in answers.values()] == [500, 500]


def test_who_shares_a_call_is_told_before_it_begins() -> None:
    told: list[list[int]] = []
    seen: list[list[int]] = []

    def run(inputs: list[str]) -> list[str]:
        seen.append(told[-1])
        if "bad" in inputs:
            raise ValueError
        return inputs

    runner = ScriptRunner(run, convention_of(run), Settings())
    together = ListRunner(runner, "inputs", 4)
    bodies = [b"a", b"bad", b"c", b"d", b"e"]
    calls = runner.read([job_of(body, id=place) for place, body in enumerate(bodies)])
    list(together.score(calls, lambda begun: told.append([call.job_id for call in begun])))
    assert seen == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3], [4]]


def test_what_came_of_it_is_reported_once() -> None:
    run = Doubling().run
    runner = ScriptRunner(run, convention_of(run), Settings())
    together = ListRunner(runner, "inputs", 4)
    assert together.report() is None
    list(together.score(runner.read([job_of(body) for body in (b"1", b"bad", b"3")])))
    assert together.report() == {"merged": [(1, 1), (1, 1)], "fallbacks": {"raised": 5}}
    assert together.report() is None


class TestDecorator:
    def test_marks_the_function_and_leaves_it(self) -> None:
        @batched(max_batch_size=8, wait_ms=2.5)
        def run(inputs: list[str]) -> list[str]:
            return inputs

        assert run(["a"]) == ["a"]
        assert batched_run(run) == BatchedRun(8, 2.5)

    def test_needs_no_arguments(self) -> None:
        @batched
        def run(inputs: list[str]) -> list[str]:
            return inputs

        assert batched_run(run) == BatchedRun(32, 0)

    def test_is_told_from_none(self) -> None:
        assert batched_run(lambda data: data) is None

    @pytest.mark.parametrize("wrong", [{"max_batch_size": 0}, {"wait_ms": -1}])
    def test_refuses_what_cannot_be(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValueError, match="at least 1"):
            batched(**wrong)
