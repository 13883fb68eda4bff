"""Whatever comes together, however it is merged: everybody gets the answer they would get alone."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any

import flask
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoreserve.settings import Settings
from scoreserve.wire import Outcome, RequestHead
from scoreserve.worker.batcher import Batcher
from scoreserve.worker.calling import Convention, convention_of
from scoreserve.worker.inputs import SchemaInput
from scoreserve.worker.responses import StreamedOutcome
from scoreserve.worker.scorer import Scorer
from tests.worker.fakes import head_of, job_of

FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."
POISON = -1.0

Answer = tuple[int, bytes]
Run = Callable[..., Any]

# Its fixture only restores a signal handler: nothing that one example does matters to the next.
many_examples = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def quiet(own_alarm: None, server_log: pytest.LogCaptureFixture) -> None:
    """The alarm is taken back, and what the server logs is kept."""


class Script:
    """A run() in a worker that batches, and how often it was called with how many rows."""

    def __init__(
        self,
        run: Run,
        max_rows: int = 64,
        *,
        decorated: bool = False,
        uses_flask: bool = False,
        **more: Any,
    ) -> None:
        self.run = run
        self.decorated = decorated
        convention = _as_if_decorated(run) if decorated else convention_of(run)
        convention.uses_flask = uses_flask
        self.scorer = Scorer(run, convention, Settings(max_batch_size=max_rows, **more))
        self.batcher = Batcher(self.scorer, max_rows, convention.text_parameter)

    def score(
        self, bodies: Sequence[str | bytes], heads: Sequence[RequestHead] | None = None
    ) -> list[Answer]:
        """The answers to requests that came together, in their order; each had exactly one."""
        jobs = [
            job_of(body if isinstance(body, bytes) else body.encode(), head, id=number)
            for number, (body, head) in enumerate(
                zip(bodies, heads or [head_of()] * len(bodies), strict=True)
            )
        ]
        answers: dict[int, Answer] = {}
        for group in self.batcher.score(self.scorer.read(jobs)):
            for result in group:
                outcome, body = _whole(result)
                assert outcome.id not in answers, "answered twice"
                answers[outcome.id] = (outcome.status, body)
        assert sorted(answers) == list(range(len(bodies)))
        return [answers[number] for number in range(len(bodies))]

    def alone(self, bodies: Iterable[str | bytes]) -> list[Answer]:
        """The answers to each request by itself."""
        script = Script(self.run, decorated=self.decorated)
        return [answer for body in bodies for answer in script.score([body])]

    def trust(self, bodies: Callable[[int], str]) -> None:
        """Sends distinct pairs of requests, until those of this kind share calls."""
        for number in range(0, 8, 2):
            self.score([bodies(number), bodies(number + 1)])


def _whole(result: Outcome | StreamedOutcome) -> tuple[Outcome, bytes]:
    if isinstance(result, Outcome):
        return result, bytes(result.body)
    body = b"".join(result.chunks)
    result.close()
    return result.outcome, body


def _as_if_decorated(run: Run) -> Convention:
    """That of a run() under @input_schema with types that convert nothing."""
    reader = SchemaInput(list(inspect.signature(run).parameters.values()))
    return Convention(reader, wants_headers=False, raw=False, mergeable=True)


def alone(run: Run, bodies: Iterable[str | bytes]) -> list[Answer]:
    """The answers to each request by itself."""
    return Script(run).alone(bodies)


def data_of(text: str) -> list[list[float]]:
    """The rows of a body as `body` makes them."""
    rows = json.loads(text)["data"]
    assert isinstance(rows, list)
    return rows


def body(*rows: float) -> str:
    """A body with these rows, of one number each."""
    return json.dumps({"data": [[float(row)] for row in rows]})


def counted(run: Run) -> tuple[Run, list[int]]:
    """The run(), and the numbers of rows it is then called with."""
    calls: list[int] = []

    def counting(data: str) -> Any:
        calls.append(len(data_of(data)))
        return run(data)

    return counting, calls


# Scripts that go by rows. Each fails on POISON as a whole, as scripts do.


def checked(data: str) -> list[float]:
    rows = [row[0] for row in data_of(data)]
    if POISON in rows:
        raise ValueError("poison")
    return rows


ROW_WISE: dict[str, Run] = {
    "list": lambda data: [row * 3 for row in checked(data)],
    "tuple": lambda data: tuple(checked(data)),
    "text": lambda data: json.dumps([str(row) for row in checked(data)]),
    "text of object": lambda data: json.dumps({"result": checked(data), "classes": ["a", "b"]}),
    "object": lambda data: {"scores": checked(data), "classes": ["a", "b"], "version": "2"},
    "records": lambda data: [{"score": row, "label": str(row)} for row in checked(data)],
    "array": lambda data: np.array(checked(data), "f4") / 3,
    "matrix": lambda data: np.outer(checked(data), [1, 2, 3]),
    "arrays in object": lambda data: {"p": np.array(checked(data)), "ok": True},
    "the wrong type": lambda data: [{row} for row in checked(data)],
    "nothing": lambda data: [None for _ in checked(data)],
}


# Scripts that do not.


def _less_mean(data: str) -> list[float]:
    rows = checked(data)
    return [row - sum(rows) / len(rows) for row in rows]


def _is_large(data: str) -> list[int]:
    rows = checked(data)
    return [int(sum(rows) / len(rows) > 50)] * len(rows)


def _own_count(run: Callable[[list[float], int], Any]) -> Run:
    calls = [0]

    def counting(data: str) -> Any:
        calls[0] += 1
        return run(checked(data), calls[0])

    return counting


NOT_ROW_WISE: dict[str, Run] = {
    "sum": lambda data: sum(checked(data)),
    "sum in a list": lambda data: [sum(checked(data))],
    "sum each": lambda data: [sum(checked(data))] * len(checked(data)),
    "less the mean": _less_mean,
    "divided by the largest": lambda data: [row / max(checked(data)) for row in checked(data)],
    "class of the mean": _is_large,
    "whether any is large": lambda data: [max(checked(data)) > 50] * len(checked(data)),
    "sorted": lambda data: sorted(checked(data)),
    "sorted descending": lambda data: sorted(checked(data), reverse=True),
    "distinct": lambda data: sorted(set(checked(data))),
    "reversed": lambda data: checked(data)[::-1],
    "running totals": lambda data: np.cumsum(checked(data)),
    "number of rows": lambda data: {"rows": checked(data), "count": len(checked(data))},
    "largest beside": lambda data: {"rows": checked(data), "largest": max(checked(data))},
    "warning beside": lambda data: {
        "rows": checked(data),
        "warning": "outlier" if max(checked(data)) > 50 else None,
    },
    "text, sorted": lambda data: json.dumps(sorted(checked(data))),
    "plain text": lambda data: f"got {checked(data)}",
    "object": lambda data: {"rows": {"inner": checked(data)}},
    "characters": lambda data: len(f"{data}\n"),
}

values = st.sampled_from([0.0, 1.0, 2.0, 3.0, 10.0, 49.0, 51.0, 99.0, 1e3, 0.1])
requests = st.lists(values, min_size=1, max_size=5)
arrivals = st.lists(st.lists(requests, min_size=1, max_size=8), min_size=1, max_size=12)
poisoned_arrivals = st.lists(
    st.lists(st.lists(values | st.just(POISON), min_size=1, max_size=3), min_size=1, max_size=8),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("name", sorted(ROW_WISE))
@settings(many_examples, max_examples=50)
@given(arrivals=poisoned_arrivals, max_rows=st.integers(2, 12))
def test_the_answers_are_those_of_single_requests(
    name: str, arrivals: list[list[list[float]]], max_rows: int
) -> None:
    run, calls = counted(ROW_WISE[name])
    script = Script(run, max_rows)
    script.trust(lambda number: body(number, number + 0.5))
    for group in arrivals:
        bodies = [body(*rows) for rows in group]
        calls.clear()
        assert script.score(bodies) == alone(ROW_WISE[name], bodies)
        largest_alone = max(len(rows) for rows in group)
        assert max(calls) <= max(max_rows, largest_alone)


@pytest.mark.parametrize("name", sorted(NOT_ROW_WISE))
@settings(many_examples, max_examples=50)
@given(arrivals=arrivals)
def test_scripts_that_do_not_go_by_rows_answer_as_if_alone(
    name: str, arrivals: list[list[list[float]]]
) -> None:
    script = Script(NOT_ROW_WISE[name])
    for group in arrivals:
        bodies = [body(*rows) for rows in group]
        assert script.score(bodies) == alone(NOT_ROW_WISE[name], bodies)


@pytest.mark.parametrize("name", sorted(NOT_ROW_WISE))
def test_thousands_of_requests_do_not_persuade_it(name: str) -> None:
    """Small values first, as from a quiet night; then a large one."""
    script = Script(NOT_ROW_WISE[name])
    run = NOT_ROW_WISE[name]
    for number in range(1000):
        bodies = [body(number % 7 + place) for place in range(1, 5)]
        assert script.score(bodies) == alone(run, bodies)
    bodies = [body(1), body(1000), body(3)]
    assert script.score(bodies) == alone(run, bodies)


def test_two_spellings_of_one_request_are_no_two_requests() -> None:
    """The mean of equal rows is their own, however the text is laid out."""
    script = Script(_less_mean)
    for spelling in ('{"data":[[1.0]]}', '{"data": [[1.00]]}', '{ "data": [[1e0]] }') * 2:
        script.score([body(1), spelling])
    bodies = [body(0), body(100)]
    assert script.score(bodies) == alone(_less_mean, bodies)


def test_two_requests_that_hardly_differ_are_no_proof() -> None:
    """Their mean is within what rounding may change."""

    def mean(data: str) -> list[float]:
        rows = checked(data)
        return [sum(rows) / len(rows)] * len(rows)

    script = Script(mean)
    for number in range(6):
        script.score([body(1), body(1 + 1e-9 * (number + 1))])
    bodies = [body(0), body(100)]
    assert script.score(bodies) == alone(mean, bodies)


def test_two_requests_of_one_mean_are_no_proof() -> None:
    """As of images that are divided by their brightest point, which mostly is 255."""
    script = Script(_less_mean)
    for number in range(6):
        script.score([body(1, 3 + number), body(3 + number, 1)])
    bodies = [body(0), body(100)]
    assert script.score(bodies) == alone(_less_mean, bodies)


class TestMerging:
    def test_requests_of_a_trusted_kind_share_calls(self) -> None:
        run, calls = counted(ROW_WISE["list"])
        script = Script(run)
        script.trust(body)
        calls.clear()
        bodies = [body(*range(number, number + 1 + number % 3)) for number in range(20)]
        assert script.score(bodies) == alone(ROW_WISE["list"], bodies)
        assert calls == [sum(1 + number % 3 for number in range(20))]

    def test_a_single_request_is_left_as_it_is(self) -> None:
        script = Script(lambda data: data)
        assert script.score(['{"data": [[ 1.0 ]]}']) == [(200, b'"{\\"data\\": [[ 1.0 ]]}"')]

    def test_a_request_of_too_many_rows_runs_alone_and_whole(self) -> None:
        run, calls = counted(ROW_WISE["list"])
        script = Script(run, max_rows=4)
        script.trust(body)
        calls.clear()
        bodies = [body(1), body(*range(10)), body(2), body(1, 2, 3, 4)]
        assert script.score(bodies) == alone(ROW_WISE["list"], bodies)
        assert sorted(calls) == [2, 4, 10]

    def test_kinds_are_not_mixed(self) -> None:
        run, calls = counted(
            lambda data: [[row, json.loads(data).get("k")] for row in checked(data)]
        )
        script = Script(run)

        def with_parameter(number: float, k: int) -> str:
            return json.dumps({"data": [[float(number)]], "k": k})

        for k in (1, 2):
            script.trust(lambda number, k=k: with_parameter(number, k))  # type: ignore[misc]
        calls.clear()
        bodies = [with_parameter(number, 1 + number % 2) for number in range(10)]
        assert script.score(bodies) == alone(run, bodies)
        assert calls[:2] == [5, 5]

    def test_what_is_no_json_gets_the_scripts_own_answer(self) -> None:
        script = Script(lambda data: [len(row) for row in json.loads(data)])
        bodies: list[str | bytes] = [
            "",
            "{",
            "[NaN]",
            '["\\ud800"]',
            "[[1]]",
            "[[2]]",
            b"\xff",
            "[[18446744073709551616]]",
        ]
        assert script.score(bodies) == script.alone(bodies)

    @pytest.mark.parametrize("depth", [240, 300, 500, 990, 1010, 1100, 5000])
    def test_what_is_nested_too_deeply_harms_nobody(self, depth: int) -> None:
        script = Script(lambda data: [len(json.loads(data))])
        for deep in ("[" * depth + "]" * depth, '{"k":' * depth + "[1]" + "}" * depth):
            bodies = [
                deep,
                "[[1.0]]",
                deep,
                f'{{"data":[1],"k":{deep}}}',
                f'{{"data":[1],"k":{deep}}}',
            ]
            assert script.score(bodies) == script.alone(bodies)


class TestFailures:
    @pytest.mark.parametrize("size", [2, 3, 8, 17])
    def test_one_bad_request_fails_alone_wherever_it_is(self, size: int) -> None:
        run, calls = counted(ROW_WISE["list"])
        script = Script(run)
        script.trust(body)
        for bad in range(size):
            calls.clear()
            rows = [POISON if number == bad else float(number) for number in range(size)]
            answers = script.score([body(row) for row in rows])
            for number, (status, text) in enumerate(answers):
                if number == bad:
                    assert (status, json.loads(text)) == (500, {"message": FAILED})
                else:
                    assert (status, json.loads(text)) == (200, [3.0 * number])
            assert len(calls) <= 2 * size.bit_length() + 1  # by halves

    def test_a_bad_request_does_not_end_the_trust(self) -> None:
        run, calls = counted(ROW_WISE["list"])
        script = Script(run)
        script.trust(body)
        for _ in range(10):
            script.score([body(1), body(POISON), body(2), body(3)])
        calls.clear()
        script.score([body(1), body(2), body(3)])
        assert calls == [3]

    def test_a_script_that_answers_its_exceptions_harms_no_neighbour(self) -> None:
        """As 90 of 245 public scripts do; here with as many answers as rows."""

        def run(data: str) -> list[Any]:
            rows = data_of(data)
            try:
                return [1 / row[0] for row in rows]
            except ZeroDivisionError as error:
                return [str(error)] * len(rows)

        script = Script(run)
        script.trust(lambda number: body(number + 1))
        bodies = [body(1), body(0), body(2)]
        assert script.score(bodies) == alone(run, bodies)

    def test_a_script_that_answers_its_exceptions_with_a_text_harms_no_neighbour(self) -> None:
        def run(data: str) -> Any:
            try:
                return [1 / row[0] for row in data_of(data)]
            except ZeroDivisionError as error:
                return str(error)

        script = Script(run)
        script.trust(lambda number: body(number + 1))
        bodies = [body(1), body(0), body(2)]
        assert script.score(bodies) == alone(run, bodies)

    def test_a_merged_call_that_times_out_is_the_timeout_of_all(self) -> None:
        def run(data: str) -> list[float]:
            rows = checked(data)
            if 7.0 in rows:
                time.sleep(60)  # until the alarm
            return rows

        calling, calls = counted(run)
        script = Script(calling, scoring_timeout_ms=50)
        script.trust(lambda number: body(number + 10))
        calls.clear()
        answers = script.score([body(1), body(7), body(2)])
        message = {"message": "Scoring timeout after 50 ms"}
        assert [(status, json.loads(text)) for status, text in answers] == [(500, message)] * 3
        assert calls == [3]
        assert script.score([body(1), body(2)]) == alone(run, [body(1), body(2)])

    def test_a_timeout_during_the_proof_is_only_that_requests(self) -> None:
        def run(data: str) -> list[float]:
            rows = checked(data)
            if 7.0 in rows:
                time.sleep(60)  # until the alarm
            return rows

        script = Script(run, scoring_timeout_ms=50)
        first, second, third = script.score([body(1), body(7), body(2)])
        assert (first[0], second[0], third[0]) == (200, 500, 200)

    @pytest.mark.parametrize("error", [ValueError, RecursionError, SystemExit, KeyboardInterrupt])
    def test_whatever_is_raised(self, error: type[BaseException]) -> None:
        def run(data: str) -> list[float]:
            rows = [row[0] for row in data_of(data)]
            if POISON in rows:
                raise error
            return rows

        script = Script(run)
        for _ in range(6):
            answers = script.score([body(1), body(POISON), body(2)])
            assert [status for status, _ in answers] == [200, 500, 200]


class TestAfterTrust:
    def test_a_result_of_another_length_falls_back_and_three_in_a_row_are_the_end(self) -> None:
        spoilt = False

        def run(data: str) -> list[float]:
            rows = checked(data)
            return rows[:1] if spoilt and len(rows) > 1 else rows

        calling, calls = counted(run)
        script = Script(calling)
        script.trust(body)
        spoilt = True
        for merged in (True, True, True, False, False):
            calls.clear()
            assert script.score([body(1), body(2), body(3)]) == alone(run, map(body, (1, 2, 3)))
            assert (3 in calls) is merged
        assert script.batcher.fallbacks["length"] == 3
        spoilt = False
        calls.clear()
        script.score([body(1), body(2)])
        assert calls == [1, 1]

    def test_strikes_that_are_not_in_a_row_are_forgiven(self) -> None:
        spoilt = False

        def run(data: str) -> list[float]:
            rows = checked(data)
            return rows[:1] if spoilt and len(rows) > 1 else rows

        calling, calls = counted(run)
        script = Script(calling)
        script.trust(body)
        for number in range(20):
            spoilt = number % 3 > 0
            script.score([body(1), body(2)])
        spoilt = False
        calls.clear()
        script.score([body(1), body(2)])
        assert calls == [2]

    @pytest.mark.parametrize(
        "later", ["text", None, {"error": "x"}, [[1.0], [2.0], [3.0]], 5, {"p": [1.0, 2.0, 3.0]}]
    )
    def test_a_result_of_another_form_is_not_cut(self, later: Any) -> None:
        spoilt = False

        def run(data: str) -> Any:
            rows = checked(data)
            return later if spoilt and len(rows) > 1 else rows

        script = Script(run)
        script.trust(body)
        spoilt = True
        for _ in range(5):
            assert script.score([body(1), body(2), body(3)]) == alone(run, map(body, (1, 2, 3)))


class TestOtherResults:
    def test_generators(self) -> None:
        def run(data: str) -> Any:
            rows = checked(data)

            def chunks() -> Generator[str]:
                for row in rows:
                    yield f"{row};"

            return chunks()

        script = Script(run)
        for _ in range(6):
            assert script.score([body(1), body(2, 3)]) == [(200, b"1.0;"), (200, b"2.0;3.0;")]

    def test_flask_responses(self) -> None:
        def run(data: str) -> flask.Response:
            return flask.Response(json.dumps(checked(data)), 202)

        script = Script(run)
        for _ in range(6):
            assert script.score([body(1), body(2, 3)]) == [(202, b"[1.0]"), (202, b"[2.0, 3.0]")]

    def test_flask_responses_after_trust(self) -> None:
        def run(data: str) -> Any:
            rows = checked(data)
            return flask.Response("large", 418) if max(rows) > 50 else rows

        script = Script(run)
        script.trust(body)
        assert script.score([body(1), body(99), body(2)]) == [
            (200, b"[1.0]"),
            (418, b"large"),
            (200, b"[2.0]"),
        ]

    @pytest.mark.parametrize("make", [set, lambda rows: object(), lambda rows: b"bytes"])
    def test_what_cannot_be_sent(self, make: Callable[[list[float]], Any]) -> None:
        script = Script(lambda data: make(checked(data)))
        for _ in range(4):
            assert [status for status, _ in script.score([body(1), body(2)])] == [500, 500]

    def test_objects_with_ideas_of_their_own(self) -> None:
        """They look like arrays, but can be neither cut nor compared."""

        class Unruly:
            __hash__ = None  # type: ignore[assignment]
            dtype = "own"

            def __init__(self, rows: list[float]) -> None:
                self.shape = (len(rows),)
                self._rows = rows

            def __eq__(self, other: object) -> bool:
                raise ValueError("more than one truth")

            def toJSON(self) -> list[float]:  # noqa: N802
                return self._rows

        for wrap in (lambda it: it, lambda it: [it], lambda it: {"a": it}):
            script = Script(lambda data, wrap=wrap: wrap(Unruly(checked(data))))
            bodies = [body(1), body(2)]
            for _ in range(4):
                assert script.score(bodies) == script.alone(bodies)


def records(*xs: float) -> str:
    return json.dumps({"data": [{"x": float(x)} for x in xs]})


class TestDecorated:
    def test_arguments_are_merged(self) -> None:
        calls: list[int] = []

        def run(data: list[dict[str, float]]) -> list[float]:
            calls.append(len(data))
            return [row["x"] * 2 for row in data]

        script = Script(run, decorated=True)
        script.trust(records)
        calls.clear()
        bodies = [records(1), records(2, 3), records(4)]
        assert script.score(bodies) == [(200, b"[2.0]"), (200, b"[4.0,6.0]"), (200, b"[8.0]")]
        assert calls == [4]

    def test_missing_and_wrong_inputs_among_others(self) -> None:
        script = Script(lambda data: [row["x"] for row in data], decorated=True)
        bodies = [records(1), "{}", records(2), "[1]", "", '{"data": "x"}', records(3)]
        for _ in range(4):
            assert script.score(bodies) == script.alone(bodies)

    @pytest.mark.parametrize(
        "change",
        [
            lambda data: data.append({"x": 0.0}),
            lambda data: data.clear(),
            lambda data: [row.update(x=row["x"] * 2) for row in data],
            lambda data: [row.pop("x") for row in data],
            lambda data: data.sort(key=lambda row: -row["x"]),
        ],
        ids=["append", "clear", "double", "pop", "sort"],
    )
    def test_a_script_may_change_what_it_was_given(self, change: Callable[[Any], object]) -> None:
        def run(data: list[dict[str, float]]) -> list[float]:
            result = [row["x"] * 3 for row in data]
            change(data)
            return result

        script = Script(run, decorated=True)
        for number in range(8):
            bodies = [records(number), records(number + 1, number + 2)]
            assert script.score(bodies) == script.alone(bodies)

    def test_what_a_failed_call_has_changed_is_not_what_the_next_is_given(self) -> None:
        """The bad request makes its neighbours run once more, on values as they came."""

        def run(data: list[dict[str, float]]) -> list[float]:
            for row in data:
                if row["x"] > 100:
                    row["x"] /= 10
            if any(row["x"] == POISON for row in data):
                raise ValueError("poison")
            return [row["x"] for row in data]

        script = Script(run, decorated=True)
        script.trust(records)
        bodies = [records(5000), records(POISON), records(2)]
        assert script.score(bodies) == script.alone(bodies)

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "18446744073709551616", "1e400"])
    def test_values_beyond_json(self, value: str) -> None:
        script = Script(lambda data: [str(row["x"]) for row in data], decorated=True)
        script.trust(records)
        bodies = [records(1), f'{{"data": [{{"x": {value}}}]}}', records(2)]
        assert script.score(bodies) == script.alone(bodies)


class TestFlaskContext:
    """A script that has imported flask may look at the request while it runs."""

    @staticmethod
    def head(user: str) -> RequestHead:
        return head_of(headers=[("content-type", "application/json"), ("x-user", user)])

    def test_a_script_that_looks_at_the_request_sees_its_own(self) -> None:
        def run(data: str) -> list[str]:
            return [f"{flask.request.headers['X-User']} {row}" for row in checked(data)]

        script = Script(run, uses_flask=True)
        for number in range(6):
            script.score([body(number), body(number + 1)], [self.head("a")] * 2)
        answers = script.score([body(1), body(2)], [self.head("a"), self.head("b")])
        assert answers == [(200, b'["a 1.0"]'), (200, b'["b 2.0"]')]

    def test_others_are_merged_or_not_but_right(self) -> None:
        script = Script(ROW_WISE["list"], uses_flask=True)
        for number in range(10):
            bodies = [body(number), body(number + 1), body(POISON), body(3)]
            assert script.score(bodies) == alone(ROW_WISE["list"], bodies)


def test_run_is_told_off_in_the_log_once(server_log: pytest.LogCaptureFixture) -> None:
    script = Script(NOT_ROW_WISE["sum"])
    for _ in range(5):
        script.score([body(1), body(2)])
    told = [text for text in server_log.messages if text.startswith("Batching")]
    assert len(told) == 1
    assert script.batcher.fallbacks == {"length": 1}


def test_results_leave_together_when_they_were_made_together() -> None:
    """So that they go to the front in one write; single ones leave each as it is there."""
    script = Script(ROW_WISE["list"])
    script.trust(body)

    def groups() -> Iterator[int]:
        jobs = [job_of(body(number).encode(), id=number) for number in range(5)]
        for group in script.batcher.score(script.scorer.read(jobs)):
            yield len(group)

    assert list(groups()) == [5]
