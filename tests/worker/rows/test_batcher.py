"""Whatever comes together, however it is merged: everybody gets the answer they would get alone."""

from __future__ import annotations

import gc
import json
import sys
import zlib
from collections.abc import Callable, Generator, Iterator
from decimal import Decimal
from typing import Any

import flask
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoreserve.wire import Outcome
from tests.garbage import no_collections
from tests.worker.fakes import job_of
from tests.worker.rows.batching import (
    NOT_CUT,
    POISON,
    ROW_WISE,
    Script,
    alone,
    body,
    checked,
    counted,
    many_examples,
    poisoned_arrivals,
    records,
    row_wise,
)

pytestmark = pytest.mark.usefixtures("own_alarm", "server_log")


@pytest.mark.parametrize("name", sorted(ROW_WISE))
@settings(many_examples, max_examples=15)
@given(arrivals=poisoned_arrivals, max_rows=st.integers(2, 12))
def test_the_answers_are_those_of_single_requests(
    name: str, arrivals: list[list[list[float]]], max_rows: int
) -> None:
    run, calls = counted(row_wise(name))
    script = Script(run, max_rows, audited=True)
    for group in arrivals:
        bodies = [body(*rows) for rows in group]
        calls.clear()
        assert script.score(bodies) == alone(row_wise(name), bodies)
        largest_alone = max(len(rows) for rows in group)
        assert max(calls) <= max(max_rows, largest_alone)


class TestMerging:
    def test_requests_share_calls(self) -> None:
        run, calls = counted(row_wise("list"))
        script = Script(run)
        calls.clear()
        bodies = [body(*range(number, number + 1 + number % 3)) for number in range(20)]
        assert script.score(bodies) == alone(row_wise("list"), bodies)
        assert len(calls) == 1

    @pytest.mark.parametrize("name", sorted(set(ROW_WISE) - {"the wrong type"}))
    def test_whatever_they_return(self, name: str) -> None:
        run, calls = counted(row_wise(name))
        script = Script(run)
        for learns in (True, False):
            calls.clear()
            script.score([body(1), body(2), body(100), body(0)])
            assert calls[0] == 4
            assert len(calls) == 1 or learns

    @pytest.mark.parametrize(
        "name", ["sum", "plain text", "object", "number of rows", "mean beside"]
    )
    def test_what_cannot_be_cut_is_left_alone_for_a_while(self, name: str) -> None:
        run, calls = counted(lambda data: NOT_CUT[name](checked(data)))
        script = Script(run)
        bodies = [body(1), body(2), body(100), body(0)]
        for _ in range(100):
            calls.clear()
            assert script.score(bodies) == alone(run, bodies)
        assert calls == [1] * 8  # four of which are those alone
        for _ in range(20):
            calls.clear()
            script.score(bodies)
            if len(calls) > 4:
                return
        pytest.fail("it is never tried again")

    def test_leaves_nothing_to_the_garbage_collector(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delitem(sys.modules, "flask")  # what it makes of a request has cycles
        script = Script(row_wise("list"))
        script.score([body(1.5), body(2.5)])
        with no_collections():
            for number in range(20):
                script.score([body(number + 0.25), body(number + 0.75)])
            assert gc.collect() < 20

    def test_a_single_request_is_left_as_it_is(self) -> None:
        script = Script(lambda data: data)
        assert script.score(['{"data": [[ 1.0 ]]}']) == [(200, b'"{\\"data\\": [[ 1.0 ]]}"')]

    def test_a_request_of_too_many_rows_runs_alone_and_whole(self) -> None:
        run, calls = counted(row_wise("list"))
        script = Script(run, max_rows=4)
        calls.clear()
        bodies = [body(1), body(*range(10)), body(2), body(1, 2, 3, 4)]
        assert script.score(bodies) == alone(row_wise("list"), bodies)
        assert max(calls) == 10
        assert sorted(calls)[-2] <= 4
        assert script.fallbacks()["too_many_rows"] == 1

    def test_kinds_are_not_mixed(self) -> None:
        run, calls = counted(
            lambda data: [[row, json.loads(data).get("k")] for row in checked(data)]
        )
        script = Script(run)

        def with_parameter(number: float, k: int) -> str:
            return json.dumps({"data": [[float(number)]], "k": k})

        calls.clear()
        bodies = [with_parameter(number, 1 + number % 2) for number in range(10)]
        assert script.score(bodies) == alone(run, bodies)
        assert len(calls) == 2 + 10  # the last ten are those alone

    def test_results_leave_together_when_they_were_made_together(self) -> None:
        """So that they go to the front in one write; single ones leave each as it is there."""
        script = Script(row_wise("list"))
        jobs = [job_of(body(number).encode(), id=number) for number in range(5)]
        groups = list(script.batcher.score(script.runner.read(jobs)))
        assert [len(group) for group in groups] == [5]
        outcomes = [result for result in groups[0] if isinstance(result, Outcome)]
        assert len({outcome.run_seconds for outcome in outcomes}) == 1

    def test_who_shares_a_run_is_told_before_it_begins(self) -> None:
        """The front relies on it when the worker dies."""

        def run(data: str) -> list[float]:
            seen.append(scripts[0].began[-1])
            return checked(data)

        seen: list[list[int]] = []
        scripts: list[Script] = []
        script = Script(run)
        scripts.append(script)
        seen.clear()
        script.score([body(1), body(POISON), body(2), body(3)])
        assert seen == [[0, 1, 2, 3], [0, 1], [0], [1], [2, 3]]


class Unruly:
    """Looks like an array, but can be neither cut nor compared."""

    __hash__ = None  # type: ignore[assignment]
    dtype = "own"

    def __init__(self, rows: list[float]) -> None:
        self.shape = (len(rows),)
        self._rows = rows

    def __eq__(self, other: object) -> bool:
        raise ValueError("more than one truth")

    def toJSON(self) -> list[float]:  # noqa: N802
        return self._rows


class UnrulyList(list[Any]):
    """A list that does not like to be looked at."""

    def __len__(self) -> int:
        raise RuntimeError("nobody counts me")

    def __iter__(self) -> Iterator[Any]:
        raise RecursionError


class UnrulyKey(str):
    """A name that is equal to nothing."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise ValueError("no names")


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

    def test_flask_responses_among_others(self) -> None:
        def run(data: str) -> Any:
            rows = checked(data)
            return flask.Response("large", 418) if max(rows) > 50 else rows

        script = Script(run)
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

    @pytest.mark.parametrize(
        "wrap",
        [
            Unruly,
            lambda rows: [Unruly(rows)],
            lambda rows: {"a": Unruly(rows)},
            lambda rows: {UnrulyKey("a"): rows},
            UnrulyList,
            lambda rows: {"a": UnrulyList(rows)},
        ],
        ids=["array", "in a list", "in an object", "key", "list", "list in an object"],
    )
    def test_objects_with_ideas_of_their_own(self, wrap: Callable[[list[float]], Any]) -> None:
        script = Script(lambda data: wrap(checked(data)))
        bodies = [body(1), body(2)]
        for _ in range(4):
            assert script.score(bodies) == script.alone(bodies)

    def test_one_object_that_the_script_returns_every_time(self) -> None:
        """By the time an audit compares results, it holds what belongs to the last."""
        response: dict[str, Any] = {}

        def run(data: str) -> Any:
            rows = checked(data)
            response["predictions"] = [row * 2 for row in rows]
            return response

        script = Script(run, audited=True)
        for _ in range(6):
            bodies = [body(1)] * 3
            assert script.score(bodies) == alone(run, bodies)

    def test_one_buffer_that_the_script_writes_to_every_time(self) -> None:
        buffer = np.zeros(64)

        def run(data: str) -> Any:
            rows = checked(data)
            buffer[: len(rows)] = rows
            return buffer[: len(rows)]

        script = Script(run, audited=True)
        for bodies in [[body(1)] * 3, [body(1), body(2)], [body(3), body(3)]] * 4:
            assert script.score(bodies) == alone(run, bodies)


class TestDecorated:
    def test_arguments_are_merged(self) -> None:
        calls: list[int] = []

        def run(data: list[dict[str, float]]) -> list[float]:
            calls.append(len(data))
            return [row["x"] * 2 for row in data]

        script = Script(run, decorated=True)
        calls.clear()
        bodies = [records(1), records(2, 3), records(4)]
        assert script.score(bodies) == [(200, b"[2.0]"), (200, b"[4.0,6.0]"), (200, b"[8.0]")]
        assert len(calls) == 1

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
        for number in range(30):
            bodies = [records(number), records(number + 1, number + 2), records(5), records(5)]
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
        bodies = [records(5000), records(POISON), records(2)]
        assert script.score(bodies) == script.alone(bodies)

    @pytest.mark.parametrize("value", ["NaN", "Infinity", "18446744073709551616", "1e400"])
    def test_values_beyond_json(self, value: str) -> None:
        script = Script(lambda data: [str(row["x"]) for row in data], decorated=True)
        bodies = [records(1), f'{{"data": [{{"x": {value}}}]}}', records(2)]
        assert script.score(bodies) == script.alone(bodies)


class TestReport:
    def test_says_what_was_merged_and_why_others_were_not(self) -> None:
        script = Script(row_wise("list"))
        assert script.batcher.report() is None
        script.score([body(1), body(2, 3), "text", "[]"])
        assert script.batcher.report() == {
            "merged": [(2, 3)],
            "fallbacks": {"not_json": 1, "no_rows": 1},
        }
        assert script.batcher.report() is None

    def test_says_why_nothing_is_merged_once(self) -> None:
        script = Script(row_wise("list"))
        script.batcher.off = "flask"
        assert script.batcher.report() == {"off": "flask"}
        script.score([body(1), body(2)])
        assert script.batcher.report() is None


@pytest.mark.parametrize(
    "read",
    [
        lambda text: json.loads(text, parse_float=Decimal),
        lambda text: json.loads(text, parse_float=str, parse_int=str),
        lambda text: json.loads(text, object_pairs_hook=list),
    ],
)
def test_a_script_reads_what_was_sent(read: Callable[[str], Any]) -> None:
    """As it was written: to the last digit, to each name."""

    def run(text: str) -> list[str]:
        value = read(text)
        rows = value["data"] if isinstance(value, dict) else dict(value)["data"]
        return [repr(row) for row in rows]

    calling, calls = counted(run)
    script = Script(calling)
    cells = ("0.1000000000000000055511151231257827", "1.10", "2.0e-1")
    for form in ('{{"data": [[{}, 1.5]]}}', '{{"data": [{{"a": {}, "b": "\\u00e9", "a": 0.50}}]}}'):
        bodies = [form.format(cell) for cell in cells]
        calls.clear()
        assert script.score(bodies) == script.alone(bodies)
        assert calls[0] == 3


@settings(many_examples, max_examples=100)
@given(st.data())
def test_random_functions_of_rows_and_forms_of_payloads(data: st.DataObject) -> None:
    """Rows of any type, wrapped in any way, in any order of arrival."""
    salt = data.draw(st.integers(0, 5))
    form = data.draw(st.sampled_from(sorted(FORMS)))
    cells = data.draw(st.sampled_from([st.integers(-3, 3), st.floats(-2, 2), st.text(max_size=2)]))

    def run(text: str) -> Any:
        rows = list(_rows_in(json.loads(text)))
        return [zlib.crc32(repr((salt, row)).encode()) % 5 for row in rows]

    script = Script(run, data.draw(st.integers(2, 12)))
    groups = st.lists(st.lists(cells, min_size=1, max_size=3), min_size=1, max_size=6)
    for group in data.draw(st.lists(groups, min_size=1, max_size=8)):
        bodies = [json.dumps(FORMS[form](rows)) for rows in group]
        assert script.score(bodies) == alone(run, bodies)


FORMS: dict[str, Callable[[list[Any]], Any]] = {
    "bare": lambda rows: rows,
    "data": lambda rows: {"data": [[row] for row in rows]},
    "records": lambda rows: {"Inputs": {"data": [{"x": row} for row in rows]}, "k": 1},
    "split": lambda rows: {
        "input_data": {"columns": ["a"], "index": list(range(len(rows))), "data": rows}
    },
}


def _rows_in(payload: Any) -> list[Any]:
    while isinstance(payload, dict):
        payload = next(payload[key] for key in ("Inputs", "input_data", "data") if key in payload)
    assert isinstance(payload, list)
    return payload
