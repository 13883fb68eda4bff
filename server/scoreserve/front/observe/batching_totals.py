"""What merging requests came to in all workers, added up for the metrics and for readiness."""

from __future__ import annotations

from collections import Counter
from typing import Any
from weakref import WeakKeyDictionary

from scoreserve.front.observe.counters import Metrics
from scoreserve.front.queue.dispatcher import Batching


class BatchingTotals:
    """Adds up the counts of merging that workers report."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._standing: WeakKeyDictionary[object, tuple[dict[str, int], str]] = WeakKeyDictionary()

    def add(self, worker: object, counts: dict[str, Any]) -> None:
        """News of one worker: `merged` calls as (requests, rows), `fallbacks` by reason, and where
        the kinds of requests stand (`kinds`, `off`), each only if there are any.
        """
        for requests, rows in counts.get("merged", ()):
            self._metrics.merged_call(requests, rows)
        for reason, requests in counts.get("fallbacks", {}).items():
            self._metrics.batch_fallback(reason, requests)
        if "kinds" in counts:
            self._standing[worker] = counts["kinds"], counts["off"]

    def details(self, batching: Batching) -> dict[str, Any]:
        """For people: whether requests are merged, how often, and why not.

        `kinds` counts the kinds of requests of every worker that are merged, being proven, or off.
        """
        kinds: Counter[str] = Counter()
        off = {batching.off} if batching.off else set()
        for standing, reason in self._standing.values():
            kinds.update(standing)
            off |= {reason} if reason else set()
        return {
            "requests_at_once": batching.jobs,
            "wait_seconds": batching.wait_seconds,
            "off": ", ".join(sorted(off)) or None,
            "kinds": dict(kinds),
            "merged_calls": sum(self._metrics.batch_jobs.counts),
            "merged_requests": int(self._metrics.batch_jobs.sum),
            "ran_alone": dict(self._metrics.fallback_jobs),
        }
