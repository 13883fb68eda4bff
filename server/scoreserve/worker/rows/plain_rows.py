"""Results that are lists of plain values, as most are, compared at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from scoreserve.worker.rows.equality import EXACT

_PLAIN: Final = EXACT | {float}


def not_plainly(known: Any, results: Sequence[Any]) -> list[Any]:
    """Those results that are not, at a glance, the list of plain values that is known. They may be
    equal to it all the same: see `equality`.
    """
    if type(known) is not list:
        return list(results)
    return [
        result
        for result in results
        if type(result) is not list or not _plainly_equal(result, known)
    ]


def _plainly_equal(left: list[Any], right: list[Any]) -> bool:
    if len(left) != len(right):
        return False
    for place in range(len(left)):  # compiled, this beats zip
        mine, theirs = left[place], right[place]
        kind = type(mine)
        if kind is not type(theirs) or kind not in _PLAIN:
            return False
        if mine is not theirs and mine != theirs:
            return False
    return True
