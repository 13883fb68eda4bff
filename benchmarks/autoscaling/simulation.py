"""Requests, pods and an autoscaler, in simulated time.

Each request goes to a ready pod by chance, as through kube-proxy, and waits there for the worker;
one that finds the queue full is lost (503). What is asked comes at random: Poisson, at a rate that
the load prescribes. Metrics are late as they are in a cluster: CPU is the mean of the last window,
and requests in hand are what scrapes have seen, averaged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.autoscaling.hpa import SYNC_SECONDS, Autoscaler, proposal
from benchmarks.autoscaling.profile import Profile

CPU_WINDOW_SECONDS = 15.0  # of metrics-server
SCRAPE_SECONDS = 15.0  # the chart's default
AVERAGE_SECONDS = 30.0  # of requests in hand, in the adapter's rule
REQUESTED_CPUS = 1.0
LEAST_QUEUE = 64  # what the server lets wait: what it does in a second, and at least this
BASE, HIGH = 1.2, 8.0  # what comes, in what one pod can do
LEAST_PODS, MOST_PODS = 2, 20
QUIET_SECONDS = 300.0  # before the change
END_SECONDS = 1200.0


@dataclass(frozen=True)
class Policy:
    """What is scaled by: CPU utilization, requests in hand a pod, or both."""

    name: str
    cpu: float = 0.0  # share of what is requested
    in_hand: float = 0.0


@dataclass(frozen=True)
class Shape:
    """A load that rises from base to high, in `rise_seconds`, and falls back after `seconds`."""

    name: str
    seconds: float = 600.0
    rise_seconds: float = 0.0

    def is_above(self, t: float) -> bool:
        """Whether it is above its base."""
        return QUIET_SECONDS <= t < QUIET_SECONDS + self.seconds

    def at(self, t: float) -> float:
        """What comes, in what one pod can do."""
        if not self.is_above(t):
            return BASE
        risen = (t - QUIET_SECONDS) / self.rise_seconds if self.rise_seconds else 1.0
        return BASE + (HIGH - BASE) * min(1.0, risen)


SHAPES = (
    Shape("step"),
    Shape("4-minute ramp", rise_seconds=240.0),
    Shape("30 s spike", seconds=30.0),
)


@dataclass(frozen=True)
class Outcome:
    """`lost`: share of the requests that came while the load was above its base."""

    lost: float
    pod_minutes: float


@dataclass
class Pod:
    """One worker behind a queue. Times in seconds."""

    ready_at: float
    queue: int
    _free_at: float = 0.0
    _starts: deque[float] = field(default_factory=deque)  # of those that wait
    _ends: deque[float] = field(default_factory=deque)  # of those in hand
    _begun: deque[float] = field(default_factory=deque)  # starts since CPU was last looked at

    def take(self, now: float, seconds: float) -> bool:
        """Whether there is room for a request."""
        while self._starts and self._starts[0] <= now:
            self._starts.popleft()
        if len(self._starts) >= self.queue:
            return False
        start = max(now, self._free_at)
        self._free_at = start + seconds
        if start > now:
            self._starts.append(start)
        self._ends.append(self._free_at)
        self._begun.append(start)
        return True

    def in_hand(self, now: float) -> int:
        """Requests that wait or run."""
        while self._ends and self._ends[0] <= now:
            self._ends.popleft()
        return len(self._ends)

    def started_by(self, now: float) -> int:
        """Requests begun since this was asked last."""
        count = 0
        while self._begun and self._begun[0] <= now:
            self._begun.popleft()
            count += 1
        return count


def arrivals(shape: Shape, rate: float, random: np.random.Generator) -> Iterator[float]:
    """When requests come: in each second at random."""
    for second in range(int(END_SECONDS)):
        count = random.poisson(shape.at(second + 0.5) * rate)
        yield from second + np.sort(random.random(count))


class Cluster:
    """The pods and what is known of them."""

    def __init__(self, profile: Profile, policy: Policy, start_seconds: float) -> None:
        self.pods: list[Pod] = []
        self.pod_seconds = 0.0
        self._profile = profile
        self._policy = policy
        self._start_seconds = start_seconds
        self._queue = max(LEAST_QUEUE, round(profile.requests_per_second))
        self._scaler = Autoscaler(LEAST_PODS, MOST_PODS)
        self._scrapes: dict[int, deque[int]] = {}
        self.resize(LEAST_PODS, -start_seconds)

    def resize(self, pods: int, now: float) -> None:
        """More pods are ready after a while. Of fewer, the newest go, and answer what they have."""
        while len(self.pods) < pods:
            self.pods.append(Pod(now + self._start_seconds, self._queue))
        del self.pods[pods:]

    def ready(self, now: float) -> list[Pod]:
        return [pod for pod in self.pods if pod.ready_at <= now]

    def scrape(self, now: float) -> None:
        """What Prometheus keeps: as many samples as the average takes in."""
        kept = {}
        for pod in self.ready(now):
            seen = self._scrapes.get(id(pod), deque(maxlen=int(AVERAGE_SECONDS / SCRAPE_SECONDS)))
            seen.append(pod.in_hand(now))
            kept[id(pod)] = seen
        self._scrapes = kept

    def sync(self, now: float) -> None:
        """The autoscaler looks at its metrics."""
        self.pod_seconds += len(self.pods) * SYNC_SECONDS
        ready = self.ready(now)
        unready = len(self.pods) - len(ready)
        proposals = []
        used = [
            pod.started_by(now) * self._profile.cpu_seconds / CPU_WINDOW_SECONDS / REQUESTED_CPUS
            for pod in ready
        ]
        if self._policy.cpu:
            proposals.append(proposal(used, unready, self._policy.cpu))
        if self._policy.in_hand:
            seen = [self._scrapes[id(pod)] for pod in ready if id(pod) in self._scrapes]
            means = [sum(samples) / len(samples) for samples in seen]
            proposals.append(proposal(means, len(self.pods) - len(means), self._policy.in_hand))
        self.resize(self._scaler.decide(now, len(self.pods), proposals), now)


def simulate(
    profile: Profile, policy: Policy, shape: Shape, start_seconds: float, seed: int
) -> Outcome:
    """One run. `start_seconds`: from the autoscaler's decision until a pod is ready."""
    random = np.random.default_rng(seed)
    cluster = Cluster(profile, policy, start_seconds)
    scrape_at, sync_at = random.uniform(0, SCRAPE_SECONDS), SYNC_SECONDS
    came = lost = 0
    times = np.array(profile.seconds)
    services: Sequence[float] = ()
    ready: list[Pod] = []
    ready_known = -1.0
    for index, now in enumerate(arrivals(shape, profile.requests_per_second, random)):
        while min(scrape_at, sync_at) <= now:
            if scrape_at < sync_at:
                cluster.scrape(scrape_at)
                scrape_at += SCRAPE_SECONDS
            else:
                cluster.sync(sync_at)
                sync_at += SYNC_SECONDS
                ready_known = -1.0
        if now >= ready_known + 1:  # pods become ready in between
            ready, ready_known = cluster.ready(now), now
        if index % 4096 == 0:
            services = random.choice(times, 4096).tolist()
            chosen = random.random(4096).tolist()
        pod = ready[int(chosen[index % 4096] * len(ready))]
        taken = pod.take(now, services[index % 4096])
        if shape.is_above(now):
            came += 1
            lost += not taken
    return Outcome(lost / came, cluster.pod_seconds / 60)
