"""Compares merged runs with single ones: whether requests of a kind may be merged at all.

    results alone ─→ rows alone ─→ two that differ ─→ merged in two orders: equal to those alone?
                               └─→ none differ: proves nothing, but for requests that are all equal

Rows are run alone too, where a request has several: a script that scales by the mean of its input
gives [1, 3] and [3, 1], merged, just what they have alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scoreserve.worker import merging
from scoreserve.worker.merged_runs import Member, MergedRuns
from scoreserve.worker.merging import Split
from scoreserve.worker.trust import Control, Kind

_ROWS_OF_ONE = 2  # of a request of several rows, run alone

Alone = tuple[Member, Any]  # and the result it had alone


def compare(runs: MergedRuns, alone: Sequence[Alone], kind: Kind) -> None:
    """Runs the members merged and tells `kind` what that proves, which may be nothing.

    Raises NotSplit when a merged result is not what the single ones are, and ReplyError when a
    merged run fails.
    """
    alone = _of_one_form(alone)
    if len(alone) < 2:
        return
    rows = list(_single_rows(runs, alone))[: runs.max_rows]
    controls = _two_that_differ(rows)
    if controls is not None:
        split = _learn_in_two_orders(runs, rows, alone[0])
        if any(member.parts.rows > 1 for member, _ in alone):
            whole = [Control(member.parts, value) for member, value in alone]
            split = merging.agreed(split, _learn_in_two_orders(runs, whole, alone[0]))
        kind.proved(split, controls)
    elif (known := repeated([member for member, _ in alone])) is not None:
        whole = [Control(member.parts, value) for member, value in alone]
        kind.proved_repeated(_learn(runs, whole, alone[0]), known, alone[0][1])


def repeated(members: Sequence[Member]) -> Any | None:
    """The input of all members if it is the same, else None."""
    first = members[0].input
    return first if all(member.input == first for member in members[1:]) else None


def _of_one_form(alone: Sequence[Alone]) -> Sequence[Alone]:
    """Those whose results have the most common form: an error that the script returned as a result
    says nothing about the others.
    """
    forms = [merging.form(value) for _, value in alone]
    common = max(forms, key=forms.count)
    return [one for one, form in zip(alone, forms, strict=True) if form == common]


def _single_rows(runs: MergedRuns, alone: Sequence[Alone]) -> Iterator[Control]:
    for member, value in alone:
        if member.parts.rows == 1:
            yield Control(member.parts, value)
            continue
        for payload in merging.row_payloads(member.parts, _ROWS_OF_ONE):
            parts = merging.take_apart(payload)
            yield Control(parts, runs.together([parts], member.call))


def _two_that_differ(rows: Sequence[Control]) -> tuple[Control, Control] | None:
    """Two rows of different results: the first and one other, if any differ at all."""
    first = rows[0]
    for other in rows[1:]:
        if not merging.same(first.result, other.result):
            return first, other
    return None


def _learn_in_two_orders(runs: MergedRuns, controls: Sequence[Control], like: Alone) -> Split:
    forth, back = (_learn(runs, order, like) for order in (controls, controls[::-1]))
    return merging.agreed(forth, back)


def _learn(runs: MergedRuns, controls: Sequence[Control], like: Alone) -> Split:
    merged = runs.together([control.parts for control in controls], like[0].call)
    counts = [control.parts.rows for control in controls]
    return merging.learn([control.result for control in controls], counts, merged)
