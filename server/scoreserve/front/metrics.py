"""What the front counts while it serves: plain ints and lists, touched by its one thread.

    every answer, on both roads ─→ RouteCounters.answered ─→ Phases.observe   the hot path
    merged calls of run()       ─→ Metrics.merged_call, batch_fallback
    what was shed or given up   ─→ Metrics.shed, abandoned
                                                 │
    GET /metrics ─→ metrics_page ────────────────┘   made into Prometheus's families when asked for

A counter costs an addition; the times of requests are kept and counted many at once. Whatever
clients send, the number of counters is bounded: routes are ours, methods are a few or `other`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter

from scoreserve.errors import ReplyError
from scoreserve.front.replies import Reply

# Upper bounds of the buckets, as `le` has them.
SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

_MOST_NEW = 1024  # observations that are kept to be counted together

OTHER = "other"
_METHODS = frozenset({b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PATCH"})
_OTHER_METHOD = OTHER.encode()


class Histogram:
    """How many observations fell into each bucket; the last one is for those over all bounds."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def observe_all(self, values: list[float]) -> None:
        """Many at once, which is cheaper. Sorts `values`."""
        values.sort()
        start = 0
        for bucket, bound in enumerate(self.bounds):
            end = bisect_right(values, bound, start)
            self.counts[bucket] += end - start
            start = end
        self.counts[-1] += len(values) - start
        self.sum += sum(values)


class Phases:
    """Where the time of score requests went, in seconds."""

    __slots__ = ("_new", "_queue", "_run", "_total")

    def __init__(self) -> None:
        self._queue = Histogram(SECONDS)
        self._run = Histogram(SECONDS)
        self._total = Histogram(SECONDS)
        self._new: list[tuple[float, float]] = []  # (total, run) of those not counted yet

    def observe(self, total: float, run: float) -> None:
        """One job took `total` from queueing to outcome; `run` is 0 if it never got to run()."""
        self._new.append((total, run))
        if len(self._new) >= _MOST_NEW:
            self._count()

    def histograms(self) -> dict[str, Histogram]:
        """The histogram of each phase."""
        self._count()
        return {"queue": self._queue, "run": self._run, "total": self._total}

    def _count(self) -> None:
        new, self._new = self._new, []
        self._total.observe_all([total for total, _ in new])
        self._run.observe_all([run for _, run in new if run])
        self._queue.observe_all([total - run if total > run else 0.0 for total, run in new if run])


class RouteCounters:
    """The answers of one route by (method, status), and the bytes of bodies in and out."""

    __slots__ = ("_phases", "answers", "received_bytes", "sent_bytes")

    def __init__(self, phases: Phases) -> None:
        self._phases = phases
        self.answers: dict[tuple[bytes, int], int] = {}
        self.received_bytes = 0
        self.sent_bytes = 0  # those of streams are added as they are sent

    def answered(self, method: bytes, reply: Reply, received_bytes: int) -> None:
        """A request with so many bytes of body got this reply."""
        try:
            self.answers[method, reply.status] += 1
        except KeyError:
            self._answered_anew(method, reply.status)
        self.received_bytes += received_bytes
        if method != b"HEAD":
            self.sent_bytes += len(reply.body)
        if reply.total_seconds:
            self._phases.observe(reply.total_seconds, reply.run_seconds)

    def _answered_anew(self, method: bytes, status: int) -> None:
        key = (method if method in _METHODS else _OTHER_METHOD, status)
        self.answers[key] = self.answers.get(key, 0) + 1


class Metrics:
    """All that one front counts."""

    def __init__(self) -> None:
        self.phases = Phases()
        self.routes: dict[str, RouteCounters] = {}
        self.shed: Counter[str] = Counter()  # requests by reason
        self.abandoned = 0
        self.batch_jobs = Histogram(SIZES)
        self.batch_rows = Histogram(SIZES)
        self.fallbacks: Counter[str] = Counter()  # by reason
        self.fallback_jobs: Counter[str] = Counter()

    def route(self, name: str) -> RouteCounters:
        """The counters of a route of ours, or of OTHER."""
        return self.routes.setdefault(name, RouteCounters(self.phases))

    def refused(self, reply: Reply, error: ReplyError) -> None:
        """What came on a connection was no request, or one too many."""
        self.route(OTHER).answered(_OTHER_METHOD, reply, 0)
        if error.shed:
            self.shed[error.shed] += 1

    def merged_call(self, jobs: int, rows: int) -> None:
        """One call of run() was made for so many jobs, with so many rows in all."""
        self.batch_jobs.observe(jobs)
        self.batch_rows.observe(rows)

    def batch_fallback(self, reason: str, jobs: int) -> None:
        """So many jobs were to be merged and were run one by one; `reason` is one of a few."""
        self.fallbacks[reason] += 1
        self.fallback_jobs[reason] += jobs
