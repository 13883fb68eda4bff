"""One call of a model's method for several requests, and what becomes of it.

A shared call that raises is made again in halves, down to single calls: each that fails raises what
its own rows raise. Until a method is trusted, and now and then after, what it gives together is
compared with what it gives alone.
"""

from __future__ import annotations

import copy
import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from scoreserve.worker.model.join import NotByRows, cut, join, rows_of, same
from scoreserve.worker.model.method_state import MethodState
from scoreserve.worker.model.waiting import Waiting
from scoreserve.worker.rows.batch_counts import BatchCounts
from scoreserve.worker.script.alarm import OutOfTime

_log = logging.getLogger("azmlinfsrv")

_AUDITED_SHARE: Final = 0.01  # of the time of shared calls
_clock: Final = time.perf_counter


class SharedCalls:
    """Makes calls for several that wait; `changed` is told when a method stands elsewhere."""

    def __init__(self, counts: BatchCounts, changed: Callable[[], None]) -> None:
        self._counts = counts
        self._changed = changed
        self._audited_share = _AUDITED_SHARE
        self._audits: list[tuple[Waiting, Any, Any]] = []
        self._shared_seconds = 0.0
        self._audited_seconds = 0.0

    def call_for(self, group: Sequence[Waiting]) -> None:
        """Calls the method for all. Who then has neither result nor error calls it for itself."""
        try:
            self._share(group)
        except OutOfTime:  # that of one of them is over
            now = time.monotonic()
            for member in group:
                if member.until <= now:
                    member.error = OutOfTime()

    def _share(self, group: Sequence[Waiting]) -> None:
        state = group[0].state
        if state.off:  # since another half
            return
        counts = [rows_of(member.call.rows) for member in group]
        try:
            results = self._results(group, counts)
        except OutOfTime:
            raise
        except NotByRows as error:
            self._end_meeting(state, str(error))
            return
        except Exception:
            self._raised_together(group)
            return
        if not state.may_use and not (state.may_use_alike and _are_alike(results)):
            self._prove(group, results)
            return
        for member, result in zip(group, results, strict=True):
            member.result = result
        self._counts.merged(len(group), sum(counts))
        self._note_audit(group)

    def _raised_together(self, group: Sequence[Waiting]) -> None:
        """A call for all of the group raised: its halves are tried, so each sees its own error."""
        middle = len(group) // 2
        for half in (group[:middle], group[middle:]):
            if len(half) > 1:
                self._share(half)
                continue
            self._counts.fell_back("raised")
            half[0].raised_together = True

    def _results(self, group: Sequence[Waiting], counts: Sequence[int]) -> list[Any]:
        """What the method gives for the rows of all, cut up again. Raises NotByRows, or whatever
        the method raises.
        """
        first = group[0]
        started = _clock()
        args, kwargs = first.call.arguments(join([member.call.rows for member in group]))
        result = first.bound(*args, **kwargs)
        results = cut(result, counts, several=first.call.several)
        seconds = _clock() - started
        self._shared_seconds += seconds
        first.state.took_met(seconds, len(group))
        if first.state.off:
            self.tell_off(first.state)
        return results

    def _prove(self, group: Sequence[Waiting], results: Sequence[Any]) -> None:
        """Gives each the result of a call of its own, and compares those with the shared ones."""
        state = group[0].state
        before = state.step
        self._counts.fell_back("unproven", len(group))
        for member in group:
            try:
                member.result = member.alone()
            except OutOfTime:
                raise
            except Exception as error:
                member.error = error
                return  # which proves nothing
        for member, result in zip(group, results, strict=True):
            if not same(result, member.result, exact=member.exact):
                self._end_meeting(state, "rows_differ")
                return
        state.proven(alike=_are_alike([member.result for member in group]))
        if state.step != before:
            self._changed()
            _log.info("Batching: calls of %s.%s meet from now on", state.model, state.method)

    def _end_meeting(self, state: MethodState, reason: str) -> None:
        state.off = reason
        self.tell_off(state)

    def tell_off(self, state: MethodState) -> None:
        """Says that calls of a method do not meet any more."""
        self._changed()
        _log.warning(
            "Batching: calls of %s.%s do not meet any more (%s)",
            state.model,
            state.method,
            state.off,
        )

    def _note_audit(self, group: Sequence[Waiting]) -> None:
        """Now and then one of those that shared a call is called alone too, after the answers."""
        if self._audited_seconds <= self._audited_share * self._shared_seconds and not self._audits:
            member = random.choice(group)  # noqa: S311 - no secret
            rows, result = copy.deepcopy((member.call.rows, member.result))
            self._audits.append((member, rows, result))

    def audit(self) -> None:
        """Makes the calls that were noted, while nobody waits for an answer."""
        if not self._audits:
            return
        for member, rows, result in self._audits:
            started = _clock()
            args, kwargs = member.call.arguments(rows)
            try:
                alone = member.bound(*args, **kwargs)
            except Exception:
                _log.exception("Batching: a call of %s alone fails", member.state.method)
            else:
                if not same(result, alone, exact=member.exact):
                    self._end_meeting(member.state, "rows_differ")
            self._audited_seconds += _clock() - started
        self._audits.clear()


def _are_alike(results: Sequence[Any]) -> bool:
    first = results[0]
    return all(same(result, first, exact=True) for result in results[1:])
