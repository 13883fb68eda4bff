"""Scores the jobs that came together: merges those that may share a run(), isolates failures.

    jobs ─→ groups of one key, at most `max_rows` rows ─→ MERGE: one run(), result split
                                                       ├→ PROVE: run alone, merged runs compared
                                                       └→ ALONE, or single: run alone

Two rows of known and different results, the kind's controls, go along in every merged run(): its
result is used only if theirs come out right. A script that swallows an error and returns it for all
rows, or whose rows depend on each other after all, is found out so, whatever it returns. Requests
that are all equal need no controls if their own result is known.

A merged run() that raises, or whose result is of no use, is run again in halves, down to single
jobs: one bad request fails alone. One that times out has used up the time of all its jobs; how many
rows it may have is judged by what rows cost lately, so that this hardly happens.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from scoreserve.errors import ReplyError, ScoringTimeout
from scoreserve.wire import Outcome
from scoreserve.worker.rows import merging, splitting
from scoreserve.worker.rows.batch_counts import BatchCounts
from scoreserve.worker.rows.merge_registry import MergeRegistry, PayloadKind, Step
from scoreserve.worker.rows.merged_runs import Member, MergedRuns, repeated
from scoreserve.worker.rows.proof import Proof
from scoreserve.worker.rows.reasons import ROWS_DIFFER, NotMerged, NotSplit
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.script_runner import Begin, Result, ScriptRunner, about, nobody_told

_log = logging.getLogger("azmlinfsrv")

CONTROL_ROWS = 2  # of each merged run()
_CHECKED = 4  # requests that are run alone when what is proven is proven again
_OF_TIMEOUT = 0.5  # that a merged run() should take at most


class Batcher:
    """Merges calls of `runner`, at most `max_rows` rows a call; `text_parameter`: see MergedRuns.

    `off` is the reason why nothing is merged, or empty.
    """

    def __init__(self, runner: ScriptRunner, max_rows: int, text_parameter: str | None) -> None:
        self.off = ""
        self._begin: Begin = nobody_told
        self._runner = runner
        self._runs = MergedRuns(runner, max_rows, text_parameter)
        self._registry = MergeRegistry()
        self._counts = BatchCounts()
        self._changed = True  # where the kinds stand

    def score(
        self, calls: Sequence[Call | Outcome], begin: Begin = nobody_told
    ) -> Iterator[list[Result]]:
        """The outcomes of all calls, each once, in any order: together what one run() gave.

        `begin` is told which calls share a run(), before it begins.
        """
        self._begin = begin
        groups: dict[Any, list[Member]] = {}
        group: list[Member] = []
        last_key: Any = None  # mostly that of the next one too, which need not be looked up
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
                    key = member.parts.key
                    if key is not last_key:
                        group, last_key = groups.setdefault(key, []), key
                    group.append(member)
                    continue
            yield self._score(call)
        for key, group in groups.items():
            yield from self._score_group(group, self._registry.kind(key))

    def prove_with(self, arguments: Mapping[str, Any]) -> None:
        """Tries a known sample, before there are requests: alone, merged with itself, and its rows
        in two orders. If it has other results merged than alone, nothing is merged.
        """
        try:
            # Copied: run() may change its arguments, and the next one is to get them as they are.
            copies = [merging.copied(dict(arguments)) for _ in range(2)]
            twins = [self._runs.sample(copy) for copy in copies]
            parts = twins[0].parts
            if 2 * parts.rows > self._runs.max_rows:
                return
            alone = [(twin, splitting.kept(self._runs.alone(twin))) for twin in twins]
            Proof(self._runs, self._registry.kind(parts.key)).compare(alone)
        except (NotMerged, RecursionError):
            return
        except ReplyError as error:
            _log.info("Batching: run() fails with the known sample: %r", error.__cause__)
        except NotSplit as error:
            if error.reason != ROWS_DIFFER:  # it may be an error that run() returned
                _log.info("Batching: the known sample tells nothing (%s)", error.reason)
                return
            self.off = error.reason
            _log.warning(
                "Batching is off: merged with itself, the known sample has other results than it"
                " has alone"
            )

    def report(self) -> dict[str, Any] | None:
        """What BatchCounts counts. If that may have changed, how many kinds of requests stand where
        (`kinds`, by Step), and why nothing is merged, or "" (`off`). None: nothing is new.
        """
        news = self._counts.take()
        if self._changed:
            self._changed = False
            news = {**(news or {}), "kinds": self._registry.summary(), "off": self.off}
        return news

    def _score_group(self, group: list[Member], kind: PayloadKind) -> Iterator[list[Result]]:
        """Scores requests of one kind. Those that differ where none did before prove anew."""
        if kind.fixed:
            new = [member for member in group if not merging.keeps_to(member.parts, kind.fixed)]
            if new:
                group = [member for member in group if member not in new]
                yield from self._prove(new, kind)
        known = kind.known(repeated(group)) is not None if group else False
        most = self._runs.max_rows - (0 if known else CONTROL_ROWS)
        most = int(min(most, kind.rows_within(self._runs.timeout_seconds * _OF_TIMEOUT)))
        for batch in _batches(group, most):
            yield from self._score_batch(batch, kind)

    def _score_batch(self, batch: list[Member], kind: PayloadKind) -> Iterator[list[Result]]:
        if len(batch) == 1:
            yield from self._score_each(batch, kind)
            return
        proven = kind.step is Step.MERGE
        step = kind.next_step(repeated(batch))
        self._changed = self._changed or step is not Step.MERGE
        if step is Step.MERGE:
            yield from self._score_merged(batch, kind)
        elif step is Step.PROVE and proven:  # a check: a few do, the others need not wait for them
            yield from self._score_merged(batch[_CHECKED:], kind)
            yield from self._prove(batch[:_CHECKED], kind)
        elif step is Step.PROVE:
            yield from self._prove(batch, kind)
        else:
            self._counts.fell_back(kind.off or "unproven", len(batch))
            for member in batch:
                yield self._score(member.call)

    def _score(self, call: Call) -> list[Result]:
        self._begin([call])
        return [self._runner.score(call)]

    def _score_merged(self, batch: list[Member], kind: PayloadKind) -> Iterator[list[Result]]:
        if len(batch) < 2:
            yield from self._score_each(batch, kind)
            return
        reason = yield from self._merge(batch, kind, 0.0)
        if reason:
            kind.strike(reason)
            self._changed = True
            _tell_if_off(kind)
        else:
            kind.worked()

    def _merge(
        self, batch: Sequence[Member], kind: PayloadKind, spent: float
    ) -> Generator[list[Result], None, str]:
        """Runs the batch merged, or else its halves. `spent` are the seconds of run() that it has
        had already. Returns why no part of it could be merged, or "".
        """
        started = time.perf_counter()
        try:
            values = self._merged_results(batch, kind, spent)
        except ScoringTimeout as error:
            seconds = time.perf_counter() - started
            kind.took(2 * seconds, _rows(batch))  # or longer
            if spent:  # in calls that a neighbour spoilt: alone each has all of the time
                yield from self._score_each(batch, kind)
            else:
                yield [self._runner.failed(member.call, error, seconds) for member in batch]
            return "timeout"
        except ReplyError:
            reason = "raised"
        except NotSplit as error:
            reason = error.reason
        else:
            seconds = time.perf_counter() - started
            kind.took(seconds, _rows(batch))
            self._counts.merged(len(batch), _rows(batch))
            yield [
                self._runner.returned(member.call, value, seconds)
                for member, value in zip(batch, values, strict=True)
            ]
            return ""
        spent += time.perf_counter() - started
        middle = len(batch) // 2
        useless = True
        for half in (batch[:middle], batch[middle:]):
            if len(half) > 1:
                useless = bool((yield from self._merge(half, kind, spent))) and useless
            else:
                self._counts.fell_back(reason)
                yield from self._score_each(half, kind)
        return reason if useless else ""

    def _merged_results(
        self, batch: Sequence[Member], kind: PayloadKind, spent: float
    ) -> list[Any]:
        """The results of a batch from one run(). Raises ReplyError or NotSplit."""
        assert kind.split is not None
        known = kind.known(repeated(batch))
        parts = [member.parts for member in batch]
        if known is None:
            assert kind.controls is not None
            first, last = kind.controls
            parts = [first.parts, *parts, last.parts]
        calls = [member.call for member in batch]
        self._begin(calls)
        about(*[call.head for call in calls])
        merged = self._runs.together(parts, calls[0], spent)
        values = splitting.split_result(merged, [part.rows for part in parts], kind.split)
        if known is not None:
            if not splitting.all_same(values, known.result):
                raise NotSplit(ROWS_DIFFER)
            return values
        ends = (values[0], first.result), (values[-1], last.result)
        if not all(splitting.same(mine, known) for mine, known in ends):
            raise NotSplit("controls_differ")
        return values[1:-1]

    def _prove(self, batch: list[Member], kind: PayloadKind) -> Iterator[list[Result]]:
        """Answers from runs of their own, then compares merged ones."""
        self._counts.fell_back("unproven", len(batch))
        alone: list[tuple[Member, Any]] = []
        for member in batch:
            result, value = self._score_alone(member, kind)
            yield [result]
            if value is not None:
                with contextlib.suppress(NotSplit):
                    alone.append((member, splitting.kept(value)))
        before = kind.step
        self._begin([])  # should the process end of it, no request is to blame
        try:
            Proof(self._runs, kind).compare(alone, kind.known_rows)
        except NotSplit as error:
            kind.refuted(error.reason)
        except (ReplyError, NotMerged):
            kind.strike("raised")
        except Exception:  # results are objects of the script's: whatever they do, all are answered
            _log.exception("Batching: results cannot be compared")
            kind.refuted("result_raised")
        if kind.step is Step.MERGE is not before:
            _log.info("Batching: requests of one more kind share calls of run() from now on")
        _tell_if_off(kind)
        self._changed = True

    def _score_each(self, members: Sequence[Member], kind: PayloadKind) -> Iterator[list[Result]]:
        for member in members:
            yield [self._score_alone(member, kind)[0]]

    def _score_alone(self, member: Member, kind: PayloadKind) -> tuple[Result, Any | None]:
        """The outcome of a run of its own, and what run() returned; None when it failed."""
        self._begin([member.call])
        about(member.call.head)
        started = time.perf_counter()
        try:
            value = self._runs.alone(member)
        except ReplyError as error:
            return self._runner.failed(member.call, error, time.perf_counter() - started), None
        seconds = time.perf_counter() - started
        kind.took(seconds, member.parts.rows)
        kind.learn_shapes(value)
        return self._runner.returned(member.call, value, seconds), value


def _rows(batch: Sequence[Member]) -> int:
    return sum([member.parts.rows for member in batch])


def _batches(group: Sequence[Member], most_rows: int) -> Iterator[list[Member]]:
    batch: list[Member] = []
    rows = 0
    for member in group:
        if batch and rows + member.parts.rows > most_rows:
            yield batch
            batch, rows = [], 0
        batch.append(member)
        rows += member.parts.rows
    if batch:
        yield batch


def _tell_if_off(kind: PayloadKind) -> None:
    if kind.off:
        _log.warning(
            "Batching: requests of one kind run alone, because merging them does not give what they"
            " give alone (%s)",
            kind.off,
        )
