"""Compares merged runs with single ones: whether requests of a kind may be merged at all.

    results alone ─→ rows alone ─→ two that differ ─→ merged in two orders: equal to those alone?
                               └─→ none differ: proves nothing, but for requests that are all equal

Rows are run alone too, where a request has several: a script that scales by the mean of its input
gives [1, 3] and [3, 1], merged, just what they have alone.

Nobody waits for these runs, but others wait for the worker. All of them together may take as long
as one run() may, but half a minute at most, and a script that is slow alone is compared on few
requests.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from scoreserve.worker.rows import merging, splitting
from scoreserve.worker.rows.merge_registry import Control, PayloadKind
from scoreserve.worker.rows.merged_runs import NO_CALL, Member, MergedRuns, repeated
from scoreserve.worker.rows.merging import TakenApart
from scoreserve.worker.rows.reasons import ROWS_DIFFER, NotSplit
from scoreserve.worker.rows.splitting import Split

_SINGLE_ROWS = 4  # of a request of several rows, run alone for one proof
_MOST_SINGLE_ROWS = 8  # of all requests
_LONG_SECONDS = 1.0  # in run(), for all that is compared at once
_LONGEST_SECONDS = 30.0  # for all the runs of a proof

Alone = tuple[Member, Any]  # and the result it had alone


class Proof:
    """One attempt to prove that requests of `kind` may be merged."""

    def __init__(self, runs: MergedRuns, kind: PayloadKind) -> None:
        self._runs = runs
        self._kind = kind
        self._began = time.perf_counter()

    def compare(self, alone: Sequence[Alone], beside: Sequence[Control] = ()) -> None:
        """Runs the members merged, with rows that are known already `beside` them, and tells the
        kind what that proves, which may be nothing.

        Raises NotSplit when a merged result is not what the single ones are, and ReplyError when a
        merged run fails.
        """
        results = [value for _, value in alone]
        like = beside[0].result if beside else None
        alone = [alone[place] for place in splitting.of_one_form(results, like)]
        alone = alone[: max(2, int(min(len(alone), self._kind.rows_within(_LONG_SECONDS))))]
        if not alone or len(alone) + len(beside) < 2:
            return
        whole = [Control(member.parts, value) for member, value in alone]
        rows = [*beside, *self._single_rows(whole)][: self._runs.max_rows]
        controls = _two_that_differ(rows)
        if controls is not None:
            split = self._learn_in_two_orders(rows)
            if len(whole) > 1 and any(control.parts.rows > 1 for control in whole):
                split = splitting.agreed(split, self._learn_in_two_orders(whole))
            self._kind.proved(split, rows, controls)
        elif (known := repeated([member for member, _ in alone])) is not None:
            self._kind.proved_repeated(self._learn(whole), known, whole[0].result)
        else:
            self._kind.proved_nothing(rows[0])

    def _single_rows(self, whole: Sequence[Control]) -> list[Control]:
        """Requests of one row, and some rows of others, each with the result it has alone.

        Raises NotSplit when the result of a request is not made of those of its rows.
        """
        found: list[Control] = []
        room = _MOST_SINGLE_ROWS
        for control in whole:
            if control.parts.rows == 1:
                found.append(control)
            elif room > 0:
                rows = self._rows_of(control)
                room -= len(rows)
                found += rows
        return found

    def _rows_of(self, control: Control) -> list[Control]:
        parts, count = control.parts, control.parts.rows
        if count <= _SINGLE_ROWS:
            rows = [self._run(parts, place, place + 1) for place in range(count)]
            splitting.learn([row.result for row in rows], [1] * count, control.result)
            return rows
        middle = count // 2
        halves = [self._run(parts, 0, middle), self._run(parts, middle, count)]
        counts = [half.parts.rows for half in halves]
        split = splitting.learn([half.result for half in halves], counts, control.result)
        pieces = splitting.split_result(control.result, [1] * count, split)
        step = max(count // _SINGLE_ROWS, 1)
        places = range(0, count, step)[:_SINGLE_ROWS]
        rows = [self._run(parts, place, place + 1) for place in places]
        for row, place in zip(rows, places, strict=True):
            if not splitting.same(row.result, pieces[place]):
                raise NotSplit(ROWS_DIFFER)
        return rows

    def _run(self, whole: TakenApart, start: int, stop: int) -> Control:
        parts = merging.part_of(whole, start, stop)
        result = self._runs.together([parts], NO_CALL, self._spent())
        return Control(parts, splitting.kept(result))

    def _learn_in_two_orders(self, controls: Sequence[Control]) -> Split:
        forth, back = (self._learn(order) for order in (controls, controls[::-1]))
        return splitting.agreed(forth, back)

    def _learn(self, controls: Sequence[Control]) -> Split:
        parts = [control.parts for control in controls]
        merged = self._runs.together(parts, NO_CALL, self._spent())
        results = [control.result for control in controls]
        return splitting.learn(results, [part.rows for part in parts], merged)

    def _spent(self) -> float:
        """Of the scoring timeout, so that what is left of it is what is left for the proof."""
        timeout = self._runs.timeout_seconds
        return timeout - min(timeout, _LONGEST_SECONDS) + time.perf_counter() - self._began


def _two_that_differ(rows: Sequence[Control]) -> tuple[Control, Control] | None:
    """Two rows of different results: the first and one other, if any differ at all."""
    for other in rows[1:]:
        if not splitting.same(rows[0].result, other.result):
            return rows[0], other
    return None
