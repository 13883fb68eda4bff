"""Calls of run() that meet in a model's predict: each has its own answer, and runs once."""

from __future__ import annotations

import contextvars
import json
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from scoreserve import logs
from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.model import libraries
from scoreserve.worker.model.libraries import RowsCall
from scoreserve.worker.model.meeting import ModelRunner
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.script_runner import ScriptRunner
from tests.worker.fakes import head_of, job_of

CALLS = 20


class Model:
    """Doubles its rows, and keeps how many it got each time. `predict` may be replaced."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.compute: Callable[[Any], Any] = lambda rows: rows[:, 0] * 2

    def predict(self, rows: Any) -> Any:
        self.sizes.append(len(rows))
        return self.compute(rows)

    def twice(self, rows: Any) -> Any:
        """A known method that calls another."""
        return self.predict(self.predict(rows)[:, None])


class FakeLibrary:
    """The library whose model that is."""

    name = "fake"

    def __init__(self) -> None:
        self.refused = ""

    def methods(self) -> Iterator[tuple[type, str]]:
        yield Model, "predict"
        yield Model, "twice"

    def refusal_of_model(self, model: Any, method: str) -> str:
        return ""

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        return self.refused

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        return RowsCall(args[0], (), lambda rows: ((rows,), {}))

    def exact(self, model: Any, method: str) -> bool:
        return False


class Meeting:
    """Scores requests of a script together, each with a number of its own in its body."""

    def __init__(self, **settings: Any) -> None:
        self.model = Model()
        self.library = FakeLibrary()
        self.settings = Settings(**settings)
        self.ran: list[int] = []
        self.runner: ModelRunner | None = None
        self.begun: list[int] = []

    def start(self, run: Callable[[Any], Any] | None = None, **options: Any) -> None:
        """With this run(), which gets the number, or one that predicts it."""

        def script(raw_data: str) -> Any:
            number = json.loads(raw_data)
            self.ran.append(number)
            return self.predict(number) if run is None else run(number)

        scores = ScriptRunner(script, convention_of(script), self.settings)
        self.runner = ModelRunner(scores, 64, **options)
        self.runner.start()

    def predict(self, number: float) -> list[float]:
        return list(map(float, self.model.predict(np.array([[float(number), 1.0]]))))

    def score(self, numbers: Sequence[int]) -> dict[int, tuple[int, Any]]:
        """The status and value of each."""
        assert self.runner is not None
        jobs = [
            job_of(json.dumps(number).encode(), head_of(headers=[("x-id", str(number))]), id=number)
            for number in numbers
        ]
        calls = self.runner._runner.read(jobs)
        answers: dict[int, tuple[int, Any]] = {}
        for group in self.runner.score(calls, lambda begun: self.begun.append(len(begun))):
            for outcome in group:
                assert isinstance(outcome, Outcome)
                assert outcome.id not in answers
                answers[outcome.id] = outcome.status, json.loads(outcome.body)
        assert answers.keys() == set(numbers)
        return answers

    def prove(self) -> None:
        """Lets predict be trusted."""
        for _ in range(2):
            self.score(range(1000, 1000 + CALLS))
        self.model.sizes.clear()
        self.ran.clear()

    @property
    def off(self) -> list[str]:
        """Why methods do not meet."""
        assert self.runner is not None
        return [state.off for _, state in self.runner._methods.values() if state.off]


@pytest.fixture
def meeting(own_alarm: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meeting]:
    meeting = Meeting()
    monkeypatch.setattr(libraries, "loaded", lambda: [meeting.library])
    yield meeting
    if meeting.runner is not None:
        meeting.runner.close()


def doubled(numbers: Sequence[int]) -> dict[int, tuple[int, Any]]:
    return {number: (200, [2.0 * number]) for number in numbers}


class TestCalls:
    def test_each_has_its_own_answer_and_runs_once(self, meeting: Meeting) -> None:
        meeting.start()
        for start in range(0, 200, CALLS):
            numbers = range(start, start + CALLS)
            meeting.ran.clear()
            assert meeting.score(numbers) == doubled(numbers)
            assert meeting.ran == list(numbers)

    def test_once_proven_they_share_one_call_of_the_model(self, meeting: Meeting) -> None:
        meeting.start()
        meeting.prove()
        meeting.score(range(CALLS))
        assert meeting.model.sizes[0] == CALLS
        assert sum(meeting.model.sizes) <= CALLS + 1  # one is called alone too, now and then
        assert meeting.begun[-1] == CALLS

    def test_a_lone_one_is_as_without_others(self, meeting: Meeting) -> None:
        meeting.start()
        meeting.prove()
        assert meeting.score([3]) == doubled([3])
        assert meeting.model.sizes == [1]

    def test_several_predicts_of_one_run_meet_each(self, meeting: Meeting) -> None:
        def run(number: int) -> list[float]:
            return [*meeting.predict(number), *meeting.predict(number + 0.5)]

        meeting.start(run)
        meeting.prove()
        answers = meeting.score(range(CALLS))
        assert answers == {n: (200, [2.0 * n, 2.0 * n + 1]) for n in range(CALLS)}
        assert meeting.model.sizes[:2] == [CALLS, CALLS]

    def test_those_that_take_another_way_meet_among_themselves(self, meeting: Meeting) -> None:
        def run(number: int) -> Any:
            if number % 3 == 0:
                return "no model"
            if number % 3 == 1:
                return meeting.predict(number)
            return meeting.model.predict(np.array([[number, 1, 1]])).tolist()  # integers, wider

        meeting.start(run)
        meeting.prove()
        answers = meeting.score(range(CALLS))
        expected = {n: (200, ["no model", [2.0 * n], [2 * n]][n % 3]) for n in range(CALLS)}
        assert answers == expected

    def test_a_known_method_that_calls_another_is_one_call(self, meeting: Meeting) -> None:
        def run(number: int) -> list[float]:
            return [float(v) for v in meeting.model.twice(np.array([[float(number), 1.0]]))]

        meeting.start(run)
        meeting.prove()
        assert meeting.score(range(CALLS)) == {n: (200, [4.0 * n]) for n in range(CALLS)}
        assert meeting.model.sizes[:2] == [CALLS, CALLS]

    def test_too_large_ones_meet_in_fewer(self, meeting: Meeting) -> None:
        meeting.start()
        assert meeting.runner is not None
        meeting.runner._most_bytes = 6
        assert meeting.score(range(10, 20)) == doubled(range(10, 20))
        assert meeting.begun == [3, 3, 3, 1]

    def test_nothing_of_them_is_kept(self, meeting: Meeting) -> None:
        """Their greenlets are used again; results may be large, and contexts hold requests."""
        variable = contextvars.ContextVar[int]("variable")

        def run(number: int) -> Any:
            variable.set(number)
            return meeting.predict(number)

        meeting.start(run)
        meeting.score(range(CALLS))
        assert meeting.runner is not None
        tasks = meeting.runner._tasks._tasks
        assert len(tasks) == CALLS
        for task in tasks:
            assert (task.call, task.outcome, task.waiting) == (None, None, None)
            assert not task.gr_context

    def test_a_model_seen_by_its_class_is_as_it_was(self, meeting: Meeting) -> None:
        before = Model.predict
        meeting.start()
        assert Model.predict is before
        assert meeting.model.predict(np.array([[2.0, 1.0]])) == [4.0]


class TestErrors:
    def test_of_one_are_its_own(self, meeting: Meeting) -> None:
        def run(number: int) -> list[float]:
            if number == 5:
                raise ValueError("before it predicts")
            result = meeting.predict(number)
            if number == 7:
                raise ValueError("after it")
            return result

        meeting.start(run)
        meeting.prove()
        answers = meeting.score(range(CALLS))
        failed = {number for number, (status, _) in answers.items() if status == 500}
        assert failed == {5, 7}
        assert all(answers[n] == (200, [2.0 * n]) for n in range(CALLS) if n not in failed)

    @pytest.mark.parametrize("proven", [False, True])
    def test_of_the_model_are_those_of_who_brought_them(
        self, meeting: Meeting, proven: bool
    ) -> None:
        def compute(rows: Any) -> Any:
            if (rows[:, 0] == 5).any():
                raise ValueError("five")
            return rows[:, 0] * 2

        meeting.model.compute = compute
        meeting.start()
        if proven:
            meeting.prove()
        answers = meeting.score(range(CALLS))
        assert answers[5][0] == 500
        assert {n: a for n, a in answers.items() if n != 5} == doubled(
            [n for n in range(CALLS) if n != 5]
        )
        assert meeting.off == []

    def test_that_the_script_catches_are_the_scripts(self, meeting: Meeting) -> None:
        def run(number: int) -> Any:
            try:
                return meeting.predict(number)
            except ValueError as error:
                return str(error)

        def compute(rows: Any) -> Any:
            if (rows[:, 0] > 2).any():
                raise ValueError(f"{len(rows)} rows")
            return rows[:, 0] * 2

        meeting.model.compute = compute
        meeting.start(run)
        answers = meeting.score(range(CALLS))
        assert answers == {n: (200, [2.0 * n] if n <= 2 else "1 rows") for n in range(CALLS)}


class TestARunThatCallsNoModel:
    def test_is_served_one_by_one_but_for_a_try(self, meeting: Meeting) -> None:
        uses_it = False

        def run(number: int) -> Any:
            return meeting.predict(number) if uses_it else [2.0 * number]

        meeting.start(run)
        assert meeting.runner is not None
        meeting.runner._apart_calls = 3 * CALLS
        for _ in range(13 + 3):
            assert meeting.score(range(CALLS)) == doubled(range(CALLS))
        assert meeting.begun[:13] == [CALLS] * 13
        assert meeting.begun[13:] == [1] * (3 * CALLS)
        uses_it = True
        for _ in range(3):
            assert meeting.score(range(CALLS)) == doubled(range(CALLS))
        assert meeting.begun[-3:] == [CALLS] * 3
        assert meeting.model.sizes.count(CALLS) == 3


class TestASharedCallThatRaises:
    def test_is_made_again_in_halves(self, meeting: Meeting) -> None:
        def compute(rows: Any) -> Any:
            if (rows[:, 0] == 5).any():
                raise ValueError("five")
            return rows[:, 0] * 2

        meeting.start()
        meeting.prove()
        meeting.model.compute = compute
        answers = meeting.score(range(CALLS))
        assert [number for number, (status, _) in answers.items() if status == 500] == [5]
        assert max(size for size in meeting.model.sizes if size < CALLS) == CALLS / 2
        assert meeting.model.sizes.count(1) < CALLS / 2  # not all by themselves

    def test_ends_meeting_if_it_always_does(self, meeting: Meeting) -> None:
        def compute(rows: Any) -> Any:
            if len(rows) > 1:
                raise ValueError("one row only")
            return rows[:, 0] * 2

        meeting.model.compute = compute
        meeting.start()
        for start in range(0, 200, CALLS):
            numbers = range(start, start + CALLS)
            assert meeting.score(numbers) == doubled(numbers)
        assert meeting.off == ["raised"]

    def test_ends_nothing_if_all_that_came_was_bad(self, meeting: Meeting) -> None:
        def compute(rows: Any) -> Any:
            if (rows[:, 0] < 500).any():
                raise ValueError("too small")
            return rows[:, 0] * 2

        meeting.model.compute = compute
        meeting.start()
        meeting.prove()
        for start in range(0, 200, CALLS):
            answers = meeting.score(range(start, start + CALLS))
            assert {status for status, _ in answers.values()} == {500}
        assert meeting.off == []


class TestModelsThatDoNotGoByRows:
    def test_are_found_out_before_an_answer_is_given(self, meeting: Meeting) -> None:
        meeting.model.compute = lambda rows: rows[:, 0] * 2 + rows[:, 0].std()
        meeting.start()
        for start in range(0, 100, CALLS):
            numbers = range(start, start + CALLS)
            assert meeting.score(numbers) == doubled(numbers)
        assert meeting.off == ["rows_differ"]

    def test_so_are_those_that_do_for_equal_rows(self, meeting: Meeting) -> None:
        meeting.model.compute = lambda rows: rows[:, 0] * 2 + rows[:, 0].std()
        meeting.start(lambda number: meeting.predict(7 if number < 100 else number))
        for _ in range(3):
            assert set(map(str, meeting.score(range(CALLS)).values())) == {"(200, [14.0])"}
        numbers = range(100, 100 + CALLS)
        assert meeting.score(numbers) == doubled(numbers)
        assert meeting.off == ["rows_differ"]

    def test_so_are_those_that_give_another_number_of_rows(self, meeting: Meeting) -> None:
        meeting.model.compute = lambda rows: np.unique(rows[:, 0] * 2)[:5]
        meeting.start()
        assert meeting.score(range(CALLS)) == doubled(range(CALLS))
        assert meeting.off == [f"{CALLS} rows gave a result of 5"]

    def test_those_that_become_so_are_found_out_later(self, meeting: Meeting) -> None:
        meeting.start()
        assert meeting.runner is not None
        meeting.runner._shared._audited_share = 1e9
        meeting.prove()
        meeting.model.compute = lambda rows: rows[:, 0] * 2 + len(rows)
        meeting.score(range(CALLS))
        assert meeting.off == ["rows_differ"]

    def test_what_the_library_refuses_does_not_meet(self, meeting: Meeting) -> None:
        meeting.library.refused = "a step is the script's own"
        meeting.start()
        assert meeting.score(range(CALLS)) == doubled(range(CALLS))
        assert set(meeting.model.sizes) == {1}
        assert meeting.runner is not None
        news = meeting.runner.report()
        assert news is not None
        assert [method["off"] for method in news["methods"]] == ["a step is the script's own"]


class TestTime:
    def test_each_has_its_own_limit(self, own_alarm: None, meeting: Meeting) -> None:
        meeting.settings = Settings(scoring_timeout_ms=300)

        def run(number: int) -> list[float]:
            if number == 3:
                while True:  # takes no end, and the CPU
                    pass
            return meeting.predict(number)

        meeting.start(run)
        answers = meeting.score(range(6))
        assert answers[3][0] == 500
        assert "Scoring timeout" in answers[3][1]["message"]

    def test_a_shared_call_that_takes_too_long_ends_all_whose_time_is_over(
        self, meeting: Meeting
    ) -> None:
        meeting.settings = Settings(scoring_timeout_ms=300)
        meeting.start()
        meeting.prove()

        def compute(rows: Any) -> Any:
            while len(rows) > 1:
                pass
            return rows[:, 0] * 2

        meeting.model.compute = compute
        answers = meeting.score(range(5))
        for number, (status, value) in answers.items():
            assert (status, value) == (200, [2.0 * number]) or "timeout" in value["message"]


class TestIsolation:
    def test_log_lines_are_about_their_own_request(self, meeting: Meeting, json_logs: None) -> None:
        ids: dict[int, set[str]] = {}

        def run(number: int) -> list[float]:
            scored = logs.scored_requests.get()
            result = meeting.predict(number)
            assert logs.scored_requests.get() == scored
            ids[number] = {head.decode("latin-1") for head, _ in scored}
            return result

        meeting.start(run)
        for _ in range(3):
            meeting.score(range(CALLS))
        for number, heads in ids.items():
            (head,) = heads
            assert f"x-id\0{number}\0" in head

    def test_warning_filters_do_not_leak(self, meeting: Meeting) -> None:
        def run(number: int) -> int:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                if number % 2:
                    warnings.simplefilter("ignore")
                meeting.predict(number)
                warnings.warn(f"about {number}", stacklevel=1)
            return len(caught)

        before = warnings.filters
        meeting.start(run)
        for _ in range(3):
            answers = meeting.score(range(CALLS))
            assert answers == {n: (200, 1 - n % 2) for n in range(CALLS)}
        assert warnings.filters is before

    def test_who_records_the_models_warnings_has_those_of_its_own_rows(
        self, meeting: Meeting
    ) -> None:
        def compute(rows: Any) -> Any:
            warnings.warn(f"{len(rows)} rows", stacklevel=1)
            return rows[:, 0] * 2

        def run(number: int) -> list[str]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                meeting.predict(number)
            return [str(each.message) for each in caught]

        meeting.start(run)
        meeting.model.compute = compute
        for _ in range(3):
            answers = meeting.score(range(CALLS))
            assert answers == {n: (200, ["1 rows"]) for n in range(CALLS)}

    def test_who_has_warnings_raised_does_not_meet_who_ignores_them(self, meeting: Meeting) -> None:
        def compute(rows: Any) -> Any:
            warnings.warn("as ever", stacklevel=1)
            return rows[:, 0] * 2

        def run(number: int) -> list[float]:
            with warnings.catch_warnings():
                warnings.simplefilter("error" if number == 1 else "ignore")
                return meeting.predict(number)

        meeting.start(run)
        meeting.model.compute = compute
        for first in (100, 100, 0):
            answers = meeting.score(range(first, first + CALLS))
            raised = [number for number, (status, _) in answers.items() if status != 200]
            assert raised == [number for number in answers if number == 1]
        assert meeting.model.sizes[-CALLS:].count(CALLS - 1) == 1


class TestBlocking:
    def test_a_lock_that_is_held_over_predict_is_no_deadlock(self, meeting: Meeting) -> None:
        lock = threading.Lock()

        def run(number: int) -> list[float]:
            with lock:
                return meeting.predict(number)

        meeting.start(run)
        assert meeting.score(range(6)) == doubled(range(6))

    def test_who_waits_for_something_else_time_and_again_does_not_meet(
        self, meeting: Meeting
    ) -> None:
        def run(number: int) -> list[float]:
            result = meeting.predict(number)
            time.sleep(0.2)
            return result

        meeting.start(run)
        assert meeting.score(range(6)) == doubled(range(6))
        assert meeting.score(range(6)) == doubled(range(6))
        assert meeting.runner is not None
        assert "waits" in meeting.runner.off
        meeting.begun.clear()
        assert meeting.score(range(6)) == doubled(range(6))
        assert meeting.begun == [1] * 6


def test_what_became_of_it_is_told(meeting: Meeting) -> None:
    meeting.start()
    assert meeting.runner is not None
    meeting.score(range(CALLS))
    news = meeting.runner.report()
    assert news is not None
    assert news["fallbacks"] == {"unproven": CALLS}
    assert news["methods"] == [
        {"model": "Model", "method": "predict", "step": "proving", "off": ""}
    ]
    meeting.score(range(CALLS))
    meeting.score(range(CALLS))
    news = meeting.runner.report()
    assert news is not None
    assert news["merged"] == [(CALLS, CALLS)]
    assert news["methods"][0]["step"] == "meeting"
    assert meeting.runner.report() is None


def test_the_signal_of_the_watch_is_one_of_its_own() -> None:
    from scoreserve.worker.model import block_watch
    from scoreserve.worker.script import alarm

    assert block_watch._SIGNAL not in {alarm.SIGNAL, signal.SIGURG, signal.SIGALRM}
