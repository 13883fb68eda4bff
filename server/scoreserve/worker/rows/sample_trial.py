"""The trial with a known sample, at start: whether its rows have the same results merged as alone.

    first row alone, last row alone, whole sample alone   ─→ results
    last, whole, first merged                             ─→ cut by row counts: equal to those?

A script that scales by the mean of its input, or sorts its results, is found out so, if the sample
has rows that differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scoreserve.worker.rows import merging, splitting
from scoreserve.worker.rows.merged_runs import NO_CALL, Member, MergedRuns
from scoreserve.worker.rows.reasons import ROWS_DIFFER, NotSplit
from scoreserve.worker.rows.splitting import FormUnknown


def try_sample(runs: MergedRuns, arguments: Mapping[str, Any]) -> None:
    """Raises NotMerged for a sample that cannot be merged, ReplyError if run() fails with it, and
    NotSplit if the merged result is not made of those alone: `rows_differ` if it says otherwise.
    """
    # Copied: run() may change its arguments, and the next one is to get them as they are.
    members = [runs.sample(merging.copied(dict(arguments))) for _ in range(2)]
    whole = members[0]
    if whole.rows > 1:
        last, first = (runs.some_rows(whole, row, row + 1) for row in (whole.rows - 1, 0))
        members = [last, whole, first]
    if sum(member.rows for member in members) > runs.max_rows:
        return
    alone = [splitting.kept(runs.again(member)) for member in members]
    merged = splitting.kept(runs.together(members, NO_CALL))
    for mine, theirs in zip(_cut(members, alone, merged), alone, strict=True):
        if not splitting.same(mine, theirs):
            raise NotSplit(ROWS_DIFFER)


def _cut(members: Sequence[Member], alone: Sequence[Any], merged: Any) -> list[Any]:
    counts = [member.rows for member in members]
    try:
        return splitting.cut(merged, counts, None)
    except FormUnknown:
        form = splitting.learn(alone[0], counts[0], merged, sum(counts))
        return splitting.cut(merged, counts, form)
