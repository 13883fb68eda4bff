"""What the front counts while it serves: plain ints and lists, touched by its one thread.

    every answer, on both paths ─→ RouteCounters.answered ─→ Phases.observe   the hot path
    merged calls of run()       ─→ Metrics.merged_call, batch_fallback
    what was shed or given up   ─→ Metrics.shed, abandoned
                                                 │
    GET /metrics ─→ metrics_page ────────────────┘   made into Prometheus's families when asked for

A counter costs an addition or a few. Whatever clients send, the number of counters is bounded:
routes are ours, methods are a few or `other`.
"""

from __future__ import annotations

from collections import Counter

from scoreserve.errors import ReplyError
from scoreserve.front.messages.replies import Reply, Traced

# Upper bounds of the buckets, as `le` has them.
SECONDS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0),
)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

OTHER = "other"
METHODS = frozenset({b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"PATCH"})
_OTHER_METHOD = OTHER.encode()


class Histogram:
    """How many observations fell into each bucket; the last one is for those over all bounds.
    `exemplars` are the last traced ones, by bucket: each a value, and what it was of.
    """

    __slots__ = ("bounds", "counts", "exemplars", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.exemplars: dict[int, tuple[float, Traced]] = {}
        self.sum = 0.0

    def observe(self, value: float, traced: Traced | None = None) -> None:
        bucket = 0
        for bound in self.bounds:  # where speed counts it is one of the first
            if value <= bound:
                break
            bucket += 1
        counts = self.counts
        counts[bucket] = counts[bucket] + 1  # compiled, `+=` takes twice as long
        self.sum += value
        if traced is not None:
            self.exemplars[bucket] = (value, traced)


class Phases:
    """Where the time of score requests went, in seconds."""

    __slots__ = ("queue", "run", "total")

    def __init__(self) -> None:
        self.queue = Histogram(SECONDS)
        self.run = Histogram(SECONDS)
        self.total = Histogram(SECONDS)

    def observe(self, total: float, run: float, traced: Traced | None = None) -> None:
        """One job took `total` from queueing to outcome; `run` is 0 if it never got to run()."""
        self.total.observe(total, traced)
        if run:
            self.run.observe(run, traced)
            self.queue.observe(total - run if total > run else 0.0, traced)

    def histograms(self) -> dict[str, Histogram]:
        """The histogram of each phase."""
        return {"queue": self.queue, "run": self.run, "total": self.total}


class RouteCounters:
    """The answers of one route by (method, status), and the bytes of bodies in and out."""

    __slots__ = (
        "_answers",
        "_method",
        "_phases",
        "_status",
        "_times",
        "received_bytes",
        "sent_bytes",
    )

    def __init__(self, phases: Phases) -> None:
        self._phases = phases
        self._answers: dict[tuple[bytes, int], int] = {}
        self._method, self._status = b"", 0  # of the last answer: mostly the next is like it
        self._times = 0  # that such an answer was given and not counted yet
        self.received_bytes = 0
        self.sent_bytes = 0  # those of streams are added as they are sent

    @property
    def answers(self) -> dict[tuple[bytes, int], int]:
        """How many were given, by method and status."""
        self._count_last()
        return self._answers

    def answered(self, method: bytes, reply: Reply, received_bytes: int) -> None:
        """A request with so many bytes of body got this reply."""
        if method != self._method or reply.status != self._status:
            self._count_last()
            self._method, self._status = method, reply.status
        self._times += 1
        self.received_bytes += received_bytes
        if method != b"HEAD":
            self.sent_bytes += reply.length
        if reply.total_seconds:
            self._phases.observe(reply.total_seconds, reply.run_seconds, reply.traced)

    def _count_last(self) -> None:
        if self._times:
            method = self._method if self._method in METHODS else _OTHER_METHOD
            key = (method, self._status)
            self._answers[key] = self._answers.get(key, 0) + self._times
            self._times = 0


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
