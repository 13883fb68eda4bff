"""Scripts in a worker that batches, and requests for them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.rows.batcher import Batcher
from scoreserve.worker.script.calling import Call, Convention, convention_of
from scoreserve.worker.script.inputs import SchemaInput
from scoreserve.worker.script.responses import StreamedOutcome
from scoreserve.worker.script.script_runner import ScriptRunner
from tests.worker.fakes import job_of

POISON = -1.0

Answer = tuple[int, bytes]
Run = Callable[..., Any]

# Its fixture only restores a signal handler: nothing that one example does matters to the next.
many_examples = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


class Script:
    """A run() in a worker that batches. `began` are the jobs it said share a run(), each time.

    Unless `audited`, run() is called for requests alone.
    """

    def __init__(
        self,
        run: Run,
        max_rows: int = 64,
        *,
        decorated: bool = False,
        audited: bool = False,
        **more: Any,
    ) -> None:
        self.run = run
        self.decorated = decorated
        self.began: list[list[int]] = []
        convention = _as_if_decorated(run) if decorated else convention_of(run)
        self.runner = ScriptRunner(run, convention, Settings(max_batch_size=max_rows, **more))
        self.batcher = Batcher(self.runner, max_rows, convention.text_parameter)
        if not audited:
            self.batcher._audits.took(1e9)

    def score(self, bodies: Iterable[str | bytes]) -> list[Answer]:
        """The answers to requests that came together, in their order; each had exactly one."""
        texts = [body if isinstance(body, bytes) else body.encode() for body in bodies]
        jobs = [job_of(text, id=number) for number, text in enumerate(texts)]
        answers: dict[int, Answer] = {}
        for group in self.batcher.score(self.runner.read(jobs), self._begin):
            for result in group:
                outcome, body = _whole(result)
                assert outcome.id not in answers, "answered twice"
                answers[outcome.id] = (outcome.status, body)
        assert sorted(answers) == list(range(len(texts)))
        return [answers[number] for number in range(len(texts))]

    def alone(self, bodies: Iterable[str | bytes]) -> list[Answer]:
        """The answers to each request by itself."""
        script = Script(self.run, decorated=self.decorated)
        return [answer for body in bodies for answer in script.score([body])]

    def fallbacks(self) -> Mapping[str, int]:
        """Requests that ran alone since this was last asked, by the reason."""
        news = self.batcher.report() or {}
        counts: Mapping[str, int] = news.get("fallbacks", {})
        return counts

    def _begin(self, calls: Sequence[Call]) -> None:
        self.began.append([call.job_id for call in calls])


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


def checked(data: str) -> list[float]:
    """The rows' numbers, for scripts that fail on POISON as a whole."""
    rows = [row[0] for row in data_of(data)]
    if POISON in rows:
        raise ValueError("poison")
    return rows


def _frame(rows: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"score": rows, "label": [str(row) for row in rows]})


# What scripts that go by rows make of them.
ROW_WISE: dict[str, Callable[[list[float]], Any]] = {
    "list": lambda rows: [row * 3 for row in rows],
    "integers": lambda rows: [int(row) % 5 for row in rows],
    "classes": lambda rows: [int(row > 50) for row in rows],
    "labels": lambda rows: ["large" if row > 50 else "small" for row in rows],
    "tuple": tuple,
    "text": lambda rows: json.dumps([str(row) for row in rows]),
    "text of object": lambda rows: json.dumps({"result": rows, "classes": ["a", "b"]}),
    "object": lambda rows: {"scores": rows, "classes": ["a", "b"], "version": "2"},
    "two members": lambda rows: {"predictions": rows, "probabilities": [[r, 1 - r] for r in rows]},
    "records": lambda rows: [{"score": row, "label": str(row)} for row in rows],
    "detections": lambda rows: [[{"box": [row]}] * (int(row) % 3) for row in rows],
    "array": lambda rows: np.array(rows, "f4") / 3,
    "matrix": lambda rows: np.outer(rows, [1, 2, 3]),
    "list of arrays": lambda rows: [np.array([row, row]) for row in rows],
    "list of numpy numbers": lambda rows: list(np.array(rows, "f4")),
    "arrays in object": lambda rows: {"p": np.array(rows), "ok": True},
    "array of texts": lambda rows: np.array([str(row) for row in rows]),
    "text with indents": lambda rows: json.dumps({"a": rows, "b": rows, "c": []}, indent=2),
    "compact text": lambda rows: json.dumps(rows, separators=(",", ":")),
    "frame": _frame,
    "series": lambda rows: _frame(rows)["label"],
    "frame with labels": lambda rows: _frame(rows).set_index("label"),
    "frame as text": lambda rows: _frame(rows).to_json(orient="records"),
    "frame as records": lambda rows: _frame(rows).to_dict(orient="records"),
    "the wrong type": lambda rows: [{row} for row in rows],
    "nothing": lambda rows: [None for _ in rows],
}


def _mean(rows: list[float]) -> float:
    return sum(rows) / len(rows)


# What others make of them, though they have as many results: a false word of their authors.
NOT_ROW_WISE: dict[str, Callable[[list[float]], Any]] = {
    "sum each": lambda rows: [sum(rows)] * len(rows),
    "less the mean": lambda rows: [row - _mean(rows) for row in rows],
    "divided by the largest": lambda rows: [row / (max(rows) or 1) for row in rows],
    "sorted": sorted,
    "reversed": lambda rows: rows[::-1],
    "running totals": np.cumsum,
    "the first each": lambda rows: rows[:1] * len(rows),
    "positions": lambda rows: list(range(len(rows))),
    "number of rows each": lambda rows: [len(rows)] * len(rows),
    "sorted beside": lambda rows: {"rows": rows, "sorted": sorted(rows)},
    "text, sorted": lambda rows: json.dumps(sorted(rows)),
}

# And what has not as many results, or something beside them that is not the same for all.
NOT_CUT: dict[str, Callable[[list[float]], Any]] = {
    "sum": sum,
    "sum in a list": lambda rows: [sum(rows)],
    "transposed": lambda rows: [rows, rows],
    "the large twice": lambda rows: [row for row in rows for _ in range(1 + (row > 50))],
    "number of rows": lambda rows: {"rows": rows, "count": len(rows)},
    "number of rows in a text": lambda rows: json.dumps({"rows": rows, "count": len(rows)}),
    "mean beside": lambda rows: {"rows": rows, "mean": _mean(rows)},
    "warning beside": lambda rows: {"x": rows, "warning": "large" if max(rows) > 50 else None},
    "plain text": lambda rows: f"got {rows}",
    "object": lambda rows: {"rows": {"inner": rows}},
    "first only in an object": lambda rows: {"prediction": rows[0]},
    "constant": lambda rows: [1, 2, 3, 4, 5, 6, 7],
    "bytes": lambda rows: b"0123456",
}


def row_wise(name: str) -> Run:
    """A script that fails as a whole on a row that is POISON."""
    return lambda data: ROW_WISE[name](checked(data))


values = st.sampled_from([0.0, 1.0, 2.0, 3.0, 10.0, 49.0, 51.0, 99.0, 1e3, 0.1])
poisoned = st.lists(values | st.just(POISON), min_size=1, max_size=3)
poisoned_arrivals = st.lists(st.lists(poisoned, min_size=1, max_size=8), min_size=1, max_size=12)


def records(*xs: float) -> str:
    return json.dumps({"data": [{"x": float(x)} for x in xs]})
