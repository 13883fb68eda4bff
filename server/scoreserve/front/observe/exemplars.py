"""Exemplars: of each bucket of the phases' histograms, the last request whose trace is recorded.

Only there where traces are. What is kept is what the request came with; its trace's id is made of
that when somebody looks.
"""

from __future__ import annotations

from scoreserve.front.observe.counters import SECONDS, bucket_of
from scoreserve.tracing import trace_of

Kept = tuple[float, float, bytes, bytes]  # value, time, traceparent, request id


class Exemplars:
    """Those of each phase, by bucket. A value that is 0 is of a phase that there was not."""

    def __init__(self) -> None:
        self._phases: dict[str, dict[int, Kept]] = {"queue": {}, "run": {}, "total": {}}
        self._queue = self._phases["queue"]
        self._run = self._phases["run"]
        self._total = self._phases["total"]

    def observe(
        self, total: float, run: float, time: float, traceparent: bytes, request_id: bytes
    ) -> None:
        """A request took so many seconds, see `Phases.observe`."""
        self._total[bucket_of(SECONDS, total)] = (total, time, traceparent, request_id)
        if run:
            queue = total - run if total > run else 0.0
            self._run[bucket_of(SECONDS, run)] = (run, time, traceparent, request_id)
            self._queue[bucket_of(SECONDS, queue)] = (queue, time, traceparent, request_id)

    def of(self, phase: str) -> dict[int, tuple[float, float, str]]:
        """(value in seconds, seconds since the epoch, trace's id) by bucket."""
        return {
            bucket: (value, time, trace_of(traceparent, request_id).id)
            for bucket, (value, time, traceparent, request_id) in self._phases[phase].items()
        }
