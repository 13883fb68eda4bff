"""What anybody can send, and scripts that fail: nobody suffers from another's request."""

from __future__ import annotations

import bisect
import json
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.rows.batching import (
    POISON,
    ROW_WISE,
    Run,
    Script,
    alone,
    body,
    checked,
    counted,
    data_of,
    many_examples,
    poisoned_arrivals,
    row_wise,
)

pytestmark = pytest.mark.usefixtures("own_alarm", "server_log")


FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


class TestHostileInputs:
    """What anybody can send."""

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
            "\ufeff[[1]]",
            "[" + "9" * 5000 + "]",
            '{"a": [1], "a": [2, 3]}',
            "[]",
            "{}",
            "[[]]",
            "null",
        ]
        for _ in range(4):
            assert script.score(bodies) == script.alone(bodies)

    ODD = (
        "-0.0", "0.0", "1", "1.0", "1e400", "-1e400", "1e-400", "NaN", "true", "null", '"1"',
        "9223372036854775807", "9223372036854775808", "-9223372036854775809", "[1]", "[]",
        '{"a": 1, "a": 2}', '{"a": 2}', '"\\ud800"', '"\\u0000"', "0.1000000000000000055511",
    )  # fmt: skip

    @pytest.mark.parametrize("decorated", [False, True])
    @settings(many_examples, max_examples=100)
    @given(
        arrivals=st.lists(
            st.lists(st.lists(st.sampled_from(ODD), max_size=3), min_size=1, max_size=5),
            min_size=1,
            max_size=8,
        )
    )
    def test_odd_values_are_seen_as_they_are(
        self, decorated: bool, arrivals: list[list[list[str]]]
    ) -> None:
        def of_text(text: str) -> list[str]:
            return [repr(row) for row in json.loads(text)["data"]]

        def of_data(data: Any, k: Any = None) -> list[str]:
            return [f"{row!r} {k!r}" for row in data]

        script = Script(of_data if decorated else of_text, decorated=decorated)
        for group in arrivals:
            bodies = [
                f'{{"data": [{", ".join(row)}], "k": {row[0] if row else "null"}}}' for row in group
            ]
            assert script.score(bodies) == script.alone(bodies)

    def test_a_parameter_that_is_nan_is_not_one_that_is_null(self) -> None:
        def run(data: list[float], k: float | None) -> list[str]:
            return [f"{row} {k}" for row in data]

        script = Script(run, decorated=True)
        bodies = ['{"data": [1.0], "k": null}', '{"data": [2.0], "k": NaN}']
        assert script.score(bodies) == script.alone(bodies)

    @pytest.mark.parametrize("decorated", [False, True])
    @pytest.mark.parametrize("depth", [30, 40, 240, 300, 400, 500, 700, 900, 980, 1010, 5000])
    def test_what_is_nested_too_deeply_harms_nobody(self, depth: int, decorated: bool) -> None:
        def of_data(data: Any, k: Any = None) -> list[int]:
            return [len(data)]

        run = of_data if decorated else lambda data: [len(json.loads(data))]
        script = Script(run, decorated=decorated)
        for deep in ("[" * depth + "]" * depth, '{"k":' * depth + "[1]" + "}" * depth):
            bodies = [
                f'{{"data":{deep}}}',
                "[[1.0]]",
                f'{{"data":[{deep}, {deep}]}}',
                deep,
                f'{{"data":[1],"k":{deep}}}',
                f'{{"data":[1],"k":{deep}}}',
            ]
            assert script.score(bodies) == script.alone(bodies)

    @pytest.mark.parametrize(
        "number",
        [
            "1.0e400",
            "123456789012345678901.0",
            "1.e5",
            ".5",
            "+1.0",
            "01.0",
            "1.0.",
            "1.0 2",
            "1e5.0",
        ],
    )
    @pytest.mark.parametrize("parse", [json.loads, eval])
    def test_what_looks_like_a_float(self, number: str, parse: Callable[[str], Any]) -> None:
        """A request is told by its text, while it is known to no parser yet."""

        def run(data: str) -> list[float]:
            return [row[0] * 2 for row in parse(data)["data"]]

        script = Script(run)
        odd = f'{{"data": [[{number}]]}}'
        for bodies in ([body(1), odd, body(2)], [odd, odd], [body(3), body(1), odd, body(4)]):
            assert script.score(bodies) == alone(run, bodies)

    @pytest.mark.parametrize("pieces", [("[", "]"), ('{"k":', "}")], ids=["lists", "objects"])
    def test_no_depth_lies_between_what_is_read_and_what_is_merged(
        self, pieces: tuple[str, str]
    ) -> None:
        """Where the limit lies depends on the Python, and on the functions in between."""
        begin, end = pieces

        def run(data: list[float], k: Any) -> list[float]:
            return [row * 2 for row in data]

        def bodies(depth: int) -> list[str]:
            deep = begin * depth + "1" + end * depth
            return [f'{{"data":[{row}.5],"k":{deep}}}' for row in range(3)]

        def is_merged(depth: int) -> bool:
            script = Script(run, decorated=True)
            script.score(bodies(depth))
            return not script.fallbacks()

        deepest = bisect.bisect_left(range(1000), 0, key=lambda depth: -is_merged(depth))
        for depth in range(deepest - 20, deepest + 5):
            script = Script(run, decorated=True)
            for _ in range(3):
                assert script.score(bodies(depth)) == script.alone(bodies(depth))

    @pytest.mark.parametrize("decorated", [False, True])
    def test_large_bodies(self, decorated: bool) -> None:
        def of_data(data: Any) -> list[int]:
            return [len(row) for row in data]

        run = of_data if decorated else lambda text: of_data(json.loads(text)["data"])
        script = Script(run, decorated=decorated)
        bodies = [json.dumps({"data": ["x" * (1 << 20)] * number}) for number in (1, 2, 1)]
        for _ in range(4):
            assert script.score(bodies) == script.alone(bodies)

    def test_what_is_kept_of_many_kinds_is_bounded(self) -> None:
        """A client makes up parameters, beside rows just short enough to be kept."""
        script = Script(lambda data: [row["x"] for row in json.loads(data)["data"]])
        tracemalloc.start()
        try:
            for k in range(80):
                rows = [{"x": float(x), "text": f"{x}" * 250_000} for x in range(2)]
                script.score([json.dumps({"data": [row], "k": k}) for row in rows])
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 20_000_000


# How scripts swallow an exception, given its text. One for each row is the author's word.
SWALLOWED: dict[str, Callable[[str], Any]] = {
    "text": lambda error: error,
    "object": lambda error: {"error": error},
    "text of object": lambda error: json.dumps({"error": error}),
    "text of list": lambda error: json.dumps([error]),
    "list": lambda error: [error],
    "empty": lambda error: [],
    "None": lambda error: None,
    "zeros beside the error": lambda error: {"scores": [0.0], "error": error},
}


def swallowing(good: str, bad: str) -> Run:
    """A script that answers its exceptions, as 90 of 245 public ones do."""

    def run(data: str) -> Any:
        try:
            return ROW_WISE[good](checked(data))
        except ValueError as error:
            return SWALLOWED[bad](str(error))

    return run


class TestParametersInLists:
    """A list of one item where there is one row need not be of the row."""

    @staticmethod
    def asking(rows: int, *factors: float) -> str:
        return json.dumps({"data": [[float(row)] for row in range(rows)], "factor": factors})

    @pytest.mark.parametrize("decorated", [False, True])
    def test_a_parameter_is_not_merged(self, decorated: bool) -> None:
        def of_data(data: Any, factor: Any) -> list[float]:
            return [row[0] * factor[0] for row in data]

        run = of_data if decorated else lambda text: of_data(**json.loads(text))
        script = Script(run, decorated=decorated)
        for _ in range(3):
            bodies = [self.asking(1, 2.5), self.asking(2, 2.5), self.asking(1, 9.5)]
            assert script.score(bodies) == script.alone(bodies)
        assert script.fallbacks() == {"one_length": 6, "no_rows": 3}

    @pytest.mark.parametrize("decorated", [False, True])
    def test_what_follows_the_rows_is_once_that_was_seen(self, decorated: bool) -> None:
        calls = []

        def of_data(data: Any, factor: Any) -> list[float]:
            calls.append(len(data))
            return [row[0] * each for row, each in zip(data, factor, strict=True)]

        run = of_data if decorated else lambda text: of_data(**json.loads(text))
        script = Script(run, decorated=decorated)
        script.score([self.asking(1, 2.5), self.asking(2, 2.5, 9.5)])
        calls.clear()
        bodies = [self.asking(1, 2.5), self.asking(1, 9.5), self.asking(2, 1.5, 0.5)]
        answers = script.score(bodies)
        assert calls == [4]
        assert answers == script.alone(bodies)


class TestFailures:
    @pytest.mark.parametrize("size", [2, 3, 8, 17])
    def test_one_bad_request_fails_alone_wherever_it_is(self, size: int) -> None:
        run, calls = counted(row_wise("list"))
        for bad in range(size):
            script = Script(run)
            calls.clear()
            rows = [POISON if number == bad else float(number) for number in range(size)]
            answers = script.score([body(row) for row in rows])
            for number, (status, text) in enumerate(answers):
                if number == bad:
                    assert (status, json.loads(text)) == (500, {"message": FAILED})
                else:
                    assert (status, json.loads(text)) == (200, [3.0 * number])
            assert len(calls) <= 2 * (size - 1).bit_length() + 1  # by halves

    def test_bad_requests_do_not_end_merging(self) -> None:
        run, calls = counted(row_wise("list"))
        script = Script(run)
        for _ in range(10):
            script.score([body(1), body(POISON), body(2), body(3)])
        calls.clear()
        script.score([body(1), body(2), body(3)])
        assert len(calls) == 1

    def test_all_may_fail(self) -> None:
        script = Script(row_wise("list"))
        for _ in range(4):
            assert [status for status, _ in script.score([body(POISON)] * 3)] == [500] * 3

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

    @pytest.mark.parametrize("bad", sorted(SWALLOWED))
    @pytest.mark.parametrize("good", ["list", "labels", "text", "object", "records"])
    def test_an_exception_that_the_script_answers_is_nobody_elses(
        self, good: str, bad: str
    ) -> None:
        run = swallowing(good, bad)
        script = Script(run)
        for size, place in ((2, 0), (2, 1), (5, 0), (5, 2), (5, 4)):
            for large in (0, 60):
                rows = [number + large * (number % 2) for number in range(size)]
                bodies = [body(row) for row in rows]
                bodies[place] = body(POISON)
                assert script.score(bodies) == alone(run, bodies)

    @settings(many_examples, max_examples=100)
    @given(
        st.sampled_from(sorted(ROW_WISE)),
        st.sampled_from(sorted(SWALLOWED)),
        poisoned_arrivals,
        st.integers(2, 12),
    )
    def test_nor_after_any_arrivals(
        self, good: str, bad: str, arrivals: list[list[list[float]]], max_rows: int
    ) -> None:
        run = swallowing(good, bad)
        script = Script(run, max_rows)
        for group in [*arrivals, *arrivals]:
            bodies = [body(*rows) for rows in group]
            assert script.score(bodies) == alone(run, bodies)


class TestTimeouts:
    @staticmethod
    def stuck_on(row: float) -> Run:
        def run(data: str) -> list[float]:
            rows = checked(data)
            if row in rows:
                time.sleep(60)  # until the alarm
            return rows

        return run

    def test_a_merged_call_that_times_out_is_the_timeout_of_all(self) -> None:
        run, calls = counted(self.stuck_on(7.0))
        script = Script(run, scoring_timeout_ms=50)
        calls.clear()
        answers = script.score([body(1), body(7), body(2)])
        message = {"message": "Scoring timeout after 50 ms"}
        assert [(status, json.loads(text)) for status, text in answers] == [(500, message)] * 3
        assert len(calls) == 1
        assert script.score([body(1), body(2)]) == alone(run, [body(1), body(2)])

    def test_a_script_that_takes_longer_for_more_rows_is_not_merged_into_its_timeout(self) -> None:
        """Alone each has a twentieth of the time it may take."""

        def run(data: str) -> list[float]:
            rows = checked(data)
            time.sleep(0.05 * len(rows))
            return rows

        script = Script(run, scoring_timeout_ms=1000)
        bodies = [body(number) for number in range(25)]
        for _ in range(2):  # it may learn from the first
            answers = script.score(bodies)
        assert [status for status, _ in answers] == [200] * 25

    def test_a_bad_request_does_not_use_up_the_time_of_many_neighbours(self) -> None:
        """Where a call takes as long for many rows as for one, all of them were in one."""
        run, calls = counted(row_wise("tuple"))

        def slow(data: str) -> Any:
            time.sleep(0.2)
            return run(data)

        script = Script(slow, scoring_timeout_ms=960)
        while not calls or calls[-1] < 16:
            script.score([body(place) for place in range(16)])
        answers = script.score([body(POISON if number == 7 else number) for number in range(16)])
        message = {"message": FAILED}
        assert [(status, json.loads(text)) for status, text in answers] == [
            (500, message) if number == 7 else (200, [float(number)]) for number in range(16)
        ]

    @pytest.mark.parametrize("bad", [0, 7, 15])
    def test_a_bad_request_does_not_use_up_the_time_of_its_neighbours(self, bad: int) -> None:
        """Each call is short, but there are many until the bad one is found."""

        def run(data: str) -> list[float]:
            time.sleep(0.2)
            return checked(data)

        script = Script(run, scoring_timeout_ms=1000)
        bodies = [body(POISON if number == bad else number) for number in range(16)]
        expected = [500 if number == bad else 200 for number in range(16)]
        assert [status for status, _ in script.score(bodies)] == expected
