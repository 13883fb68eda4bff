"""Scores the jobs that came together: merges those that may share a run(), isolates failures.

    jobs ─→ groups of one key, at most `max_rows` rows ─→ trusted: one run(), result split
                                                       ├→ unproven: run alone, merged runs compared
                                                       └→ off, or single: run alone

A merged run() that raises is run again in halves, down to single jobs: one bad request fails alone.
One that times out has used up the time of all its jobs.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from scoreserve.errors import ReplyError, ScoringTimeout
from scoreserve.wire import Outcome
from scoreserve.worker import merging
from scoreserve.worker.calling import Call
from scoreserve.worker.merging import NotSplit, Parts
from scoreserve.worker.responses import StreamedOutcome
from scoreserve.worker.scorer import Scorer
from scoreserve.worker.trust import Kind, Trust

_log = logging.getLogger("azmlinfsrv")

# Reading a body twice pays only while that is cheap beside calling run() once more. Characters.
_LONGEST_TEXT = 1 << 20

Result = Outcome | StreamedOutcome


class Member(NamedTuple):
    """A call with its payload taken apart."""

    call: Call
    parts: Parts


class Batcher:
    """Merges calls of `scorer`. `text_parameter` is the parameter of run() that gets the JSON text;
    None: run() gets the members of the payload as its arguments.
    """

    def __init__(self, scorer: Scorer, max_rows: int, text_parameter: str | None) -> None:
        self._scorer = scorer
        self._max_rows = max_rows
        self._text_parameter = text_parameter
        self._trust = Trust()
        self.fallbacks: Counter[str] = Counter()  # by reason

    def score(self, calls: Sequence[Call | Outcome]) -> Iterator[list[Result]]:
        """The outcomes of all calls, each once, in any order: together what one run() gave."""
        groups: dict[Any, list[Member]] = {}
        for call in calls:
            if isinstance(call, Outcome):
                yield [call]
                continue
            parts = self._take_apart(call) if len(calls) > 1 else None
            if parts is None or parts.rows > self._max_rows:
                yield [self._scorer.score(call)]
            else:
                groups.setdefault(parts.key, []).append(Member(call, parts))
        for group in groups.values():
            for batch in self._batches(group):
                yield from self._score_batch(batch)

    def _take_apart(self, call: Call) -> Parts | None:
        if self._text_parameter is None:
            return merging.take_apart(call.arguments)
        text = call.arguments[self._text_parameter]
        if len(text) > _LONGEST_TEXT:
            return None
        try:
            payload = merging.parse_text(text)
        except ValueError:
            self.fallbacks["not_json"] += 1
            return None
        return merging.take_apart(payload)

    def _batches(self, group: list[Member]) -> Iterator[list[Member]]:
        batch: list[Member] = []
        rows = 0
        for member in group:
            if batch and rows + member.parts.rows > self._max_rows:
                yield batch
                batch, rows = [], 0
            batch.append(member)
            rows += member.parts.rows
        yield batch

    def _score_batch(self, batch: list[Member]) -> Iterator[list[Result]]:
        kind = self._trust.kind(batch[0].parts.key)
        if len(batch) == 1 or kind.off:
            return self._score_alone(batch)
        if kind.trusted(distinct=True) or kind.trusted(distinct=_distinct(batch)):
            return self._score_merged(batch, kind)
        return self._prove(batch, kind)

    def _score_alone(self, batch: list[Member]) -> Iterator[list[Result]]:
        for member in batch:
            yield [self._scorer.score(member.call)]

    def _score_merged(self, batch: list[Member], kind: Kind) -> Iterator[list[Result]]:
        assert kind.split is not None
        if len(batch) == 1:
            yield from self._score_alone(batch)
            return
        started = time.perf_counter()
        try:
            merged = self._run_merged(batch)
            counts = [member.parts.rows for member in batch]
            pieces = merging.split_result(merged, counts, kind.split)
        except ScoringTimeout as error:
            seconds = time.perf_counter() - started
            yield [self._scorer.failed(member.call, error, seconds) for member in batch]
            return
        except ReplyError:
            self._note("raised")
            middle = len(batch) // 2
            yield from self._score_merged(batch[:middle], kind)
            yield from self._score_merged(batch[middle:], kind)
            return
        except NotSplit as error:
            self._note(error.args[0])
            kind.strike(error.args[0])
            self._tell_if_off(kind)
            yield from self._score_alone(batch)
            return
        kind.worked()
        seconds = time.perf_counter() - started
        yield [
            self._scorer.returned(member.call, piece, seconds)
            for member, piece in zip(batch, pieces, strict=True)
        ]

    def _prove(self, batch: list[Member], kind: Kind) -> Iterator[list[Result]]:
        """Answers from runs of their own, then compares merged ones, in two orders."""
        alone: list[tuple[Member, Any]] = []
        for member in batch:
            started = time.perf_counter()
            try:
                value = self._scorer.call(member.call)
            except ReplyError as error:
                yield [self._scorer.failed(member.call, error, time.perf_counter() - started)]
                continue
            yield [self._scorer.returned(member.call, value, time.perf_counter() - started)]
            alone.append((member, value))
        if len(alone) > 1:
            self._compare(alone, kind)

    def _compare(self, alone: list[tuple[Member, Any]], kind: Kind) -> None:
        try:
            for order in (alone, alone[::-1]):
                members = [member for member, _ in order]
                counts = [member.parts.rows for member in members]
                merged = self._run_merged(members)
                split = merging.learn([value for _, value in order], counts, merged)
        except NotSplit as error:
            self._note(error.args[0])
            kind.refuted(error.args[0])
        except ReplyError:
            self._note("raised")
            kind.strike("raised")
        else:
            distinct = _distinct([member for member, _ in alone])
            kind.proved(split, distinct=distinct)
            if distinct and kind.trusted(distinct=True):
                _log.info("Batching: requests of one more kind share calls of run() from now on")
        self._tell_if_off(kind)

    def _run_merged(self, batch: Sequence[Member]) -> Any:
        payload = merging.merge([member.parts for member in batch])
        if self._text_parameter is None:
            arguments = payload
        else:
            arguments = {self._text_parameter: merging.text_of(payload)}
        return self._scorer.call(batch[0].call._replace(arguments=arguments))

    def _note(self, reason: str) -> None:
        self.fallbacks[reason] += 1

    def _tell_if_off(self, kind: Kind) -> None:
        if kind.off:
            _log.warning(
                "Batching: requests of one kind run alone, because merging them does not give what"
                " they give alone (%s)",
                kind.off,
            )


def _distinct(batch: Sequence[Member]) -> bool:
    """Whether the arguments of any two members differ."""
    first = batch[0].call.arguments
    return any(member.call.arguments != first for member in batch)
