"""Merging must save calls, wherever nothing speaks against it, and proofs must cost few."""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import pytest

from tests.worker.rows.batching import (
    NOT_ROW_WISE,
    Script,
    alone,
    body,
    checked,
    counted,
    not_row_wise,
    row_wise,
    unlike,
)

pytestmark = pytest.mark.usefixtures("own_alarm", "server_log")


class TestCost:
    """Merging must not cost more calls than it saves."""

    def test_results_that_are_mostly_the_same(self) -> None:
        """As of a fraud detector: the answers of a batch are seldom unlike."""
        run, calls = counted(row_wise("classes"))
        script = Script(run, max_rows=8)
        script.registry(unlike)
        taken = 0
        for number in range(10):
            bodies = [body(number + place) for place in range(8)]
            calls.clear()
            answers = script.score(bodies)
            taken += len(calls)
            assert answers == alone(run, bodies)
        assert taken <= 40

    def test_results_that_never_differ_are_no_reason_to_run_more_than_once(self) -> None:
        run, calls = counted(row_wise("classes"))
        script = Script(run)
        for number in range(10):
            script.score([body(number, number + 1, number + 2) for _ in range(4)])
        calls.clear()
        for number in range(10):
            script.score([body(*range(number, number + place)) for place in range(2, 6)])
        assert len(calls) <= 90

    @pytest.mark.parametrize("name", sorted(NOT_ROW_WISE))
    def test_a_script_that_does_not_go_by_rows_is_soon_left_alone(self, name: str) -> None:
        run, calls = counted(not_row_wise(name))
        script = Script(run)
        for number in range(8):
            script.score([body(number + 0.5), body(number + 60), body(number * 2)])
        calls.clear()
        for number in range(100):
            script.score([body(number + 0.5), body(number + 60), body(number * 2)])
        assert calls == [1] * 300

    def test_of_many_requests_only_a_few_are_run_alone_to_prove_it_again(self) -> None:
        run, calls = counted(row_wise("list"))
        script = Script(run)
        most = []
        for number in range(40):
            calls.clear()
            script.score([body(number + place) for place in range(60)])
            most.append(len(calls))
        assert max(most[2:]) <= 30

    def test_a_new_value_in_requests_of_many_rows_is_proven_once(self) -> None:
        calls: list[int] = []

        def run(data: str) -> list[float]:
            rows = json.loads(data)["data"]
            calls.append(len(rows))
            return [row["x"] for row in rows]

        def asking(country: str, *xs: float) -> str:
            return json.dumps({"data": [{"x": float(x), "country": country} for x in xs]})

        script = Script(run)
        script.registry(lambda number: asking("de", number))
        for number in range(40):
            calls.clear()
            script.score([asking("fr", *range(number, number + 10)), asking("de", number)])
        assert len(calls) == 1

    def test_what_is_kept_of_large_requests_is_bounded(self) -> None:
        def run(data: list[float], blob: str) -> list[float]:
            return data

        script = Script(run, decorated=True)
        tracemalloc.start()
        try:
            for number in range(40):
                blob = f"{number:04}" * 100_000
                script.score([json.dumps({"data": [float(x)], "blob": blob}) for x in range(2)])
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert kept < 5_000_000


class TestWhatCanBeMerged:
    """Requests that never share a call although nothing speaks against it."""

    @pytest.mark.parametrize("max_rows", [4, 5])
    def test_small_batches(self, max_rows: int) -> None:
        run, calls = counted(row_wise("list"))
        script = Script(run, max_rows)
        script.registry(body)
        calls.clear()
        script.score([body(1), body(2)])
        assert len(calls) == 1

    def test_requests_of_many_rows(self) -> None:
        run, calls = counted(row_wise("list"))
        script = Script(run)
        for number in range(200):
            script.score([body(*range(number, number + 9)), body(*range(number + 9))])
            script.score([body(*range(number, number + 9)), body(*range(number, number + 12))])
        calls.clear()
        script.score([body(*range(9)), body(*range(9, 18))])
        assert len(calls) == 1

    def test_results_that_differ_only_from_batch_to_batch(self) -> None:
        """The small ones come by day, the large ones at night."""
        run, calls = counted(row_wise("classes"))
        script = Script(run)
        for number in range(300):
            large = 100 * (number % 2)
            script.score([body(number % 7 + large), body(number % 7 + 1 + large)])
        calls.clear()
        script.score([body(1), body(2)])
        assert len(calls) == 1

    def test_texts_of_floats_that_are_only_close(self) -> None:
        """A matrix product of more rows is summed in another order."""

        def run(data: str) -> str:
            rows = checked(data)
            return json.dumps([row / 3 * (1 + 1e-13 * len(rows)) for row in rows])

        calling, calls = counted(run)
        script = Script(calling)
        script.registry(body)
        calls.clear()
        script.score([body(1), body(2)])
        assert len(calls) == 1

    def test_an_error_that_the_script_answers_to_a_new_value_ends_no_trust(self) -> None:
        """Anybody could switch merging off with it."""

        def run(data: str) -> Any:
            rows = json.loads(data)["data"]
            if any(row["country"] == "?" for row in rows):
                return {"error": "no such country"}
            return [row["x"] for row in rows]

        def asking(x: float, country: str) -> str:
            return json.dumps({"data": [{"x": float(x), "country": country}]})

        script = Script(run)
        script.registry(lambda number: asking(number, "de"))
        script.score([asking(1, "?"), asking(2, "de")])
        script.fallbacks()
        script.score([asking(1, "de"), asking(2, "de")])
        assert not script.fallbacks()

    def test_a_call_that_was_slow_once(self) -> None:
        slow = False

        def run(data: str) -> list[float]:
            if slow:
                time.sleep(60)
            return checked(data)

        calling, calls = counted(run)
        script = Script(calling, scoring_timeout_ms=100)
        script.registry(body)
        slow = True
        script.score([body(1), body(2)])
        slow = False
        for number in range(100):
            script.score([body(number), body(number + 1)])
        calls.clear()
        script.score([body(1), body(2)])
        assert len(calls) == 1
