"""Exemplars: of each bucket of the phases' histograms, the last request whose trace is recorded.

Only there where traces are. What is kept is what the request came with; the ids of its trace and
its span are made of that when somebody looks.
"""

from __future__ import annotations

from scoreserve.front.observe.counters import SECONDS, bucket_of
from scoreserve.tracing import server_span_id, trace_of

Request = tuple[bytes, bytes, int]  # traceparent, request id, job
Kept = tuple[float, float, Request]  # value, time


class Exemplars:
    """Those of each phase, by bucket. A value that is 0 is of a phase that there was not."""

    def __init__(self) -> None:
        self._phases: dict[str, dict[int, Kept]] = {"queue": {}, "run": {}, "total": {}}
        self._queue = self._phases["queue"]
        self._run = self._phases["run"]
        self._total = self._phases["total"]

    def observe(self, total: float, run: float, time: float, request: Request) -> None:
        """A request took so many seconds, see `Phases.observe`."""
        self._total[bucket_of(SECONDS, total)] = (total, time, request)
        if run:
            queue = total - run if total > run else 0.0
            self._run[bucket_of(SECONDS, run)] = (run, time, request)
            self._queue[bucket_of(SECONDS, queue)] = (queue, time, request)

    def of(self, phase: str) -> dict[int, tuple[float, float, str, str]]:
        """(value in seconds, seconds since the epoch, ids of trace and span) by bucket."""
        found = {}
        for bucket, (value, time, request) in self._phases[phase].items():
            traceparent, request_id, job_id = request
            trace_id = trace_of(traceparent, request_id).id
            found[bucket] = (value, time, trace_id, server_span_id(request_id, job_id))
        return found
