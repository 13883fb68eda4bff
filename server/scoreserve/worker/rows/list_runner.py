"""Scores jobs together for a run() under `@batched`: a list of inputs in, a list of results out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from scoreserve.errors import ReplyError, ResultUnusable, ScoringTimeout, ScriptFailed
from scoreserve.wire import Outcome
from scoreserve.worker.rows.batch_counts import BatchCounts
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.script_runner import Begin, Result, ScriptRunner, about, nobody_told


class ListRunner:
    """Calls run() with up to `most` inputs, in the list that `parameter` gets."""

    def __init__(self, runner: ScriptRunner, parameter: str, most: int) -> None:
        self._runner = runner
        self._parameter = parameter
        self._most = most
        self._begin: Begin = nobody_told
        self._counts = BatchCounts()

    def report(self) -> dict[str, Any] | None:
        """See BatchCounts."""
        return self._counts.take()

    def score(
        self, calls: Sequence[Call | Outcome], begin: Begin = nobody_told
    ) -> Iterator[list[Result]]:
        """The outcomes of all calls, each once: together what one run() gave. `begin` is told
        which calls share a run(), before it begins.
        """
        self._begin = begin
        refused: list[Result] = [call for call in calls if isinstance(call, Outcome)]
        if refused:
            yield refused
        good = [call for call in calls if not isinstance(call, Outcome)]
        for start in range(0, len(good), self._most):
            yield from self._score(good[start : start + self._most])

    def _score(self, calls: list[Call]) -> Iterator[list[Result]]:
        """A call that raises is made again in halves, so that a bad input fails alone."""
        started = time.perf_counter()
        try:
            results = self._results(calls)
        except ReplyError as error:
            if len(calls) > 1 and not isinstance(error, (ResultUnusable, ScoringTimeout)):
                self._counts.fell_back("raised", len(calls))
                middle = len(calls) // 2
                yield from self._score(calls[:middle])
                yield from self._score(calls[middle:])
                return
            seconds = time.perf_counter() - started
            yield [self._runner.failed(call, error, seconds) for call in calls]
            return
        seconds = time.perf_counter() - started
        self._counts.merged(len(calls), len(calls))
        yield [
            self._outcome(call, result, seconds)
            for call, result in zip(calls, results, strict=True)
        ]

    def _results(self, calls: list[Call]) -> Sequence[Any]:
        self._begin(calls)
        inputs = [call.arguments[self._parameter] for call in calls]
        about(*[(call.head, call.job_id) for call in calls])
        results = self._runner.call(replace(calls[0], arguments={self._parameter: inputs}))
        if not isinstance(results, (list, tuple)) or len(results) != len(calls):  # run() has inputs
            raise ResultUnusable from TypeError(
                f"a @batched run() must return a list of {len(calls)} results for as many inputs"
            )
        return results

    def _outcome(self, call: Call, result: Any, seconds: float) -> Result:
        if not isinstance(result, Exception):
            return self._runner.returned(call, result, seconds)
        error = ScriptFailed()
        error.__cause__ = result
        return self._runner.failed(call, error, seconds)
