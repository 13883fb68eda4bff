"""What merging requests came to in all workers, added up for the metrics and for readiness."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from scoreserve.front.observe.counters import Metrics
from scoreserve.front.queue.dispatcher import Batching


class BatchingTotals:
    """Adds up the counts of merging that workers report."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._off: WeakKeyDictionary[object, str] = WeakKeyDictionary()
        self._methods: WeakKeyDictionary[object, list[dict[str, str]]] = WeakKeyDictionary()

    def add(self, worker: object, counts: dict[str, Any]) -> None:
        """News of one worker: `merged` calls as (requests, rows), `fallbacks` by reason, where the
        methods of its models stand (`methods`), and why no calls share work (`off`), each only if
        there are any.
        """
        for requests, rows in counts.get("merged", ()):
            self._metrics.merged_call(requests, rows)
        for reason, requests in counts.get("fallbacks", {}).items():
            self._metrics.batch_fallback(reason, requests)
        if "methods" in counts:
            self._methods[worker] = counts["methods"]
        if "off" in counts:
            self._off[worker] = counts["off"]

    def details(self, batching: Batching) -> dict[str, Any]:
        """For people: whether requests are merged, how often, and why not."""
        off = {reason for reason in (batching.off, *self._off.values()) if reason}
        return {
            "way": batching.way,
            "requests_at_once": batching.jobs,
            "wait_seconds": batching.wait_seconds,
            "off": ", ".join(sorted(off)) or None,
            "methods": self._standing_of_methods(),
            "merged_calls": sum(self._metrics.batch_jobs.counts),
            "merged_requests": int(self._metrics.batch_jobs.sum),
            "ran_alone": dict(self._metrics.fallback_jobs),
        }

    def _standing_of_methods(self) -> list[dict[str, Any]]:
        """The methods of models, each with how many workers it is proving, meeting or off in, and
        why it is off.
        """
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for methods in self._methods.values():
            for told in methods:
                row = found.setdefault(
                    (told["model"], told["method"]),
                    {"model": told["model"], "method": told["method"], "workers": {}, "off": None},
                )
                row["workers"][told["step"]] = row["workers"].get(told["step"], 0) + 1
                row["off"] = told["off"] or row["off"]
        return list(found.values())
