"""Audits: now and then a request of a merged call is run again alone, once it was answered.

That the script goes by rows is its author's word. An audit is how a wrong word comes to light
before somebody wonders about an answer. It takes at most a fiftieth of the time that merged calls
take: after one that took a millisecond there is none until 50 ms of merged calls have passed.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from typing import Any

from scoreserve.worker.rows import splitting
from scoreserve.worker.rows.merged_runs import Member, MergedRuns
from scoreserve.worker.rows.reasons import NotSplit

_SHARE = 0.02  # of the time of merged calls
_LONGEST_SECONDS = 30.0  # others wait for the worker


class Audits:
    """Decides when there is one, and compares. `chance` says which request of a call it is."""

    def __init__(self, runs: MergedRuns, chance: random.Random) -> None:
        self._runs = runs
        self._chance = chance  # not the script's: it may count on its own seed
        self._credit = 0.0  # seconds
        self._due: tuple[Member, Any] | None = None

    def merged(self, batch: Sequence[Member], results: Sequence[Any], seconds: float) -> None:
        """A merged call took so long, and these are the results it gave."""
        self._credit += seconds * _SHARE
        if self._credit <= 0 or self._due is not None:
            return
        place = self._chance.randrange(len(batch))
        with contextlib.suppress(NotSplit):
            # Copied: the script may use its object again.
            self._due = batch[place], splitting.kept(results[place])

    @property
    def due(self) -> bool:
        """Whether there is one to be made."""
        return self._due is not None

    def difference(self) -> bool:
        """Makes the one that is due: whether the request's result is another alone.

        Raises ReplyError where run() fails alone, and NotSplit where results cannot be compared:
        neither tells anything.
        """
        assert self._due is not None
        (member, result), self._due = self._due, None
        timeout = self._runs.timeout_seconds
        return not splitting.same(
            self._runs.again(member, timeout - min(timeout, _LONGEST_SECONDS)), result
        )

    def took(self, seconds: float) -> None:
        """The last one took so long."""
        self._credit -= seconds
