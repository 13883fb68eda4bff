"""Scores the jobs that came together: merges those that may share a run(), isolates failures.

    jobs ─→ groups of one kind, at most `max_rows` rows ─→ one run(), its result cut by rows
                                                        └→ single: run alone
         ─→ now and then, when all are answered: one of them again, alone, and compared

That run() goes by rows is the word of the script's author. A merged result that has not exactly as
many rows as went in is not used, nor is one that an audit would find to be another.

A merged run() that raises, or whose result is of no use, is run again in halves, down to single
jobs: one bad request fails alone. One that times out has used up the time of all its jobs; how many
rows it may have is judged by what rows cost lately, so that this hardly happens.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scoreserve.errors import ReplyError, ScoringTimeout
from scoreserve.wire import Outcome
from scoreserve.worker.rows import sample_trial, splitting
from scoreserve.worker.rows.audits import Audits
from scoreserve.worker.rows.batch_counts import BatchCounts
from scoreserve.worker.rows.kinds import Kind
from scoreserve.worker.rows.merged_runs import Member, MergedRuns
from scoreserve.worker.rows.reasons import ROWS_DIFFER, NotMerged, NotSplit
from scoreserve.worker.rows.splitting import FormUnknown
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.script_runner import Begin, Result, ScriptRunner, about, nobody_told

_log = logging.getLogger("azmlinfsrv")

_OF_TIMEOUT = 0.5  # that a merged run() should take at most


class Batcher:
    """Merges calls of `runner`, at most `max_rows` rows a call; `text_parameter`: see MergedRuns.

    `off` is the reason why nothing is merged, or empty.
    """

    def __init__(self, runner: ScriptRunner, max_rows: int, text_parameter: str | None) -> None:
        self.off = ""
        self._told_off = ""
        self._begin: Begin = nobody_told
        self._runner = runner
        self._runs = MergedRuns(runner, max_rows, text_parameter)
        self._audits = Audits(self._runs, random.Random())  # noqa: S311 - no secret
        self._counts = BatchCounts()

    def score(
        self, calls: Sequence[Call | Outcome], begin: Begin = nobody_told
    ) -> Iterator[list[Result]]:
        """The outcomes of all calls, each once, in any order: together what one run() gave.

        `begin` is told which calls share a run(), before it begins.
        """
        self._begin = begin
        groups: dict[Kind, list[Member]] = {}
        group: list[Member] = []
        last: Kind | None = None  # mostly that of the next one too, which need not be looked up
        for call in calls:
            if isinstance(call, Outcome):
                yield [call]
                continue
            if len(calls) > 1 and not self.off:
                try:
                    member = self._runs.member(call)
                except NotMerged as error:
                    self._counts.fell_back(error.reason)
                else:
                    kind = member.kind
                    if kind is not last:
                        group, last = groups.setdefault(kind, []), kind
                    group.append(member)
                    continue
            yield self._score(call)
        for kind, group in groups.items():
            most = kind.rows_within(self._runs.timeout_seconds * _OF_TIMEOUT)
            for batch in _batches(group, int(min(self._runs.max_rows, most))):
                yield from self._score_batch(batch, kind)
        if self._audits.due:
            self._audit()

    def try_sample(self, arguments: Mapping[str, Any]) -> None:
        """Tries a known sample, before there are requests: whole and by its rows, alone and merged.
        If its rows have other results merged than alone, nothing is merged.
        """
        try:
            sample_trial.try_sample(self._runs, arguments)
        except (NotMerged, RecursionError):
            return
        except ReplyError as error:
            _log.info("Batching: run() fails with the known sample: %r", error.__cause__)
        except NotSplit as error:
            if error.reason == ROWS_DIFFER:
                self._switch_off(
                    "the rows of the known sample have other results merged than alone"
                )
            else:  # it may be an error that run() returned
                _log.warning(
                    "Batching: the result for the known sample cannot be cut by rows (%s), so such"
                    " requests run alone",
                    error.reason,
                )

    def report(self) -> dict[str, Any] | None:
        """What BatchCounts counts, and why nothing is merged (`off`) when that has changed. None:
        nothing is new.
        """
        news = self._counts.take()
        if self.off != self._told_off:
            self._told_off = self.off
            news = {**(news or {}), "off": self.off}
        return news

    def _score_batch(self, batch: list[Member], kind: Kind) -> Iterator[list[Result]]:
        if len(batch) == 1:
            yield self._score_alone(batch[0], kind)
        elif kind.batch_rests():
            self._counts.fell_back(kind.resting, len(batch))
            for member in batch:
                yield self._score(member.call)
        else:
            yield from self._merge(batch, kind, 0.0)

    def _score(self, call: Call) -> list[Result]:
        self._begin([call])
        return [self._runner.score(call)]

    def _merge(self, batch: Sequence[Member], kind: Kind, spent: float) -> Iterator[list[Result]]:
        """Runs the batch merged, or else its halves. `spent` are the seconds of run() that it has
        had already.
        """
        started = time.perf_counter()
        try:
            values = self._merged_results(batch, kind, spent)
        except ScoringTimeout as error:
            seconds = time.perf_counter() - started
            kind.took(2 * seconds, _rows(batch))  # or longer
            if spent:  # in calls that a neighbour spoilt: alone each has all of the time
                for member in batch:
                    yield self._score_alone(member, kind)
            else:
                yield [self._runner.failed(member.call, error, seconds) for member in batch]
            return
        except ReplyError:
            reason = "raised"
        except NotSplit as error:
            reason = error.reason
        else:
            seconds = time.perf_counter() - started
            kind.took(seconds, _rows(batch))
            kind.worked()
            self._counts.merged(len(batch), _rows(batch))
            yield [
                self._runner.returned(member.call, value, seconds)
                for member, value in zip(batch, values, strict=True)
            ]
            self._audits.merged(batch, values, seconds)
            return
        spent += time.perf_counter() - started
        if len(batch) == 2:
            yield from self._score_pair(batch, kind, reason)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            if len(half) > 1:
                yield from self._merge(half, kind, spent)
            else:
                self._counts.fell_back(reason)
                yield self._score_alone(half[0], kind)

    def _score_pair(
        self, pair: Sequence[Member], kind: Kind, reason: str
    ) -> Iterator[list[Result]]:
        """Two that could not be merged. If neither is bad, merging is of no use, for now."""
        self._counts.fell_back(reason, len(pair))
        good = True
        for member in pair:
            (result,) = results = self._score_alone(member, kind)
            good = good and not (isinstance(result, Outcome) and result.status >= 500)
            yield results
        if good and kind.strike(reason):
            _log.warning("Batching: requests of one kind run alone for now (%s)", reason)

    def _merged_results(self, batch: Sequence[Member], kind: Kind, spent: float) -> list[Any]:
        """The results of a batch from one run(). Raises ReplyError or NotSplit."""
        started = time.perf_counter()
        calls = [member.call for member in batch]
        counts = [member.rows for member in batch]
        self._begin(calls)
        about(*[(call.head, call.job_id) for call in calls])
        merged = self._runs.together(batch, calls[0], spent)
        try:
            return splitting.cut(merged, counts, kind.form)
        except FormUnknown:
            pass
        merged = splitting.kept(merged)
        alone = self._runs.again(batch[0], spent + time.perf_counter() - started)
        kind.form = splitting.learn(alone, counts[0], merged, sum(counts))
        return splitting.cut(merged, counts, kind.form)

    def _score_alone(self, member: Member, kind: Kind) -> list[Result]:
        started = time.perf_counter()
        results = self._score(member.call)
        kind.took(time.perf_counter() - started, member.rows)
        return results

    def _audit(self) -> None:
        self._begin([])  # should the process end of it, no request is to blame
        started = time.perf_counter()
        try:
            if self._audits.difference():
                self._switch_off("a request has another result in a merged call than alone")
        except (ReplyError, NotSplit) as error:
            _log.info("Batching: an audit tells nothing: %r", error.__cause__ or error)
        self._audits.took(time.perf_counter() - started)

    def _switch_off(self, why: str) -> None:
        self.off = ROWS_DIFFER
        _log.warning(
            "Batching is off: %s. SCORESERVE_BATCHING=rows is for a run() that goes by rows", why
        )


def _rows(batch: Sequence[Member]) -> int:
    return sum([member.rows for member in batch])


def _batches(group: Sequence[Member], most_rows: int) -> Iterator[list[Member]]:
    batch: list[Member] = []
    rows = 0
    for member in group:
        if batch and rows + member.rows > most_rows:
            yield batch
            batch, rows = [], 0
        batch.append(member)
        rows += member.rows
    if batch:
        yield batch
