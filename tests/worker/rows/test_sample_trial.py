"""The trial with a known sample, at start."""

from __future__ import annotations

import json

import pytest

from tests.worker.rows.batching import (
    NOT_ROW_WISE,
    POISON,
    ROW_WISE,
    Script,
    alone,
    body,
    checked,
    counted,
    row_wise,
)

pytestmark = pytest.mark.usefixtures("own_alarm", "server_log")


@pytest.mark.parametrize("name", sorted(NOT_ROW_WISE))
def test_a_script_that_does_not_go_by_rows_is_never_merged(
    name: str, server_log: pytest.LogCaptureFixture
) -> None:
    run, calls = counted(lambda data: NOT_ROW_WISE[name](checked(data)))
    script = Script(run)
    script.batcher.try_sample({"data": body(2, 1, 4)})
    assert script.batcher.off == "rows_differ"
    assert any(text.startswith("Batching is off") for text in server_log.messages)
    calls.clear()
    script.score([body(1), body(2)])
    assert calls == [1, 1]
    assert script.batcher.report() == {"off": "rows_differ"}


@pytest.mark.parametrize("name", sorted(ROW_WISE))
@pytest.mark.parametrize("rows", [(1,), (2, 1), (1, 2, 4, 8)], ids=len)
def test_one_that_does_is(name: str, rows: tuple[float, ...]) -> None:
    script = Script(row_wise(name))
    script.batcher.try_sample({"data": body(*rows)})
    assert not script.batcher.off


@pytest.mark.parametrize(
    "sample",
    ["", "[]", "5", body(), body(POISON, 1), body(*range(100)), "[" * 5000, "\ud800"],
    ids=["empty", "no rows", "number", "none", "fails", "too many", "deep", "surrogate"],
)
def test_one_that_says_nothing_changes_nothing(sample: str) -> None:
    script = Script(row_wise("list"))
    script.batcher.try_sample({"data": sample})
    assert not script.batcher.off
    bodies = [body(1), body(2)]
    assert script.score(bodies) == alone(row_wise("list"), bodies)


def test_a_result_that_cannot_be_cut_is_told(server_log: pytest.LogCaptureFixture) -> None:
    script = Script(lambda data: {"error": "no model"})
    script.batcher.try_sample({"data": body(1, 2)})
    assert not script.batcher.off
    assert any("cannot be cut by rows (no_rows)" in text for text in server_log.messages)


def test_arguments_are_handed_over_as_they_are() -> None:
    seen = []

    def run(data: list[dict[str, float]]) -> list[float]:
        seen.append(json.dumps(data))
        return [row.pop("x") for row in data]

    script = Script(run, decorated=True)
    script.batcher.try_sample({"data": [{"x": 1.0}, {"x": 2.0}]})
    assert not script.batcher.off
    one, two = '{"x": 1.0}', '{"x": 2.0}'
    assert seen == [f"[{two}]", f"[{one}, {two}]", f"[{one}]", f"[{two}, {one}, {two}, {one}]"]
