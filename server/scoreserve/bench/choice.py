"""Which settings to run a script with, from what was measured.

Settings whose throughput is within MARGIN of the best, or whose best round beat the worst round of
the best, are as good: a rerun may well turn them around. Among those the cheapest is chosen: fewest
workers, since each holds a copy of the model, then the smallest batches, since a smaller one shares
its fate among fewer requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from scoreserve.bench.figures import significant

MARGIN = 0.05


@dataclass(frozen=True, order=True)
class Choice:
    """Settings to try; ordered by what they cost."""

    workers: int
    batch_size: int

    def __str__(self) -> str:
        """As in `1 worker, batches up to 8`."""
        workers = "1 worker" if self.workers == 1 else f"{self.workers} workers"
        batching = "no batching" if self.batch_size == 1 else f"batches up to {self.batch_size}"
        return f"{workers}, {batching}"


@dataclass(frozen=True)
class Outcome:
    """What was measured with them: requests a second in each round, memory."""

    rates: Sequence[float]
    memory_mib: float

    @property
    def rate(self) -> float:
        """The median."""
        return median(self.rates)


def choose(outcomes: Mapping[Choice, Outcome]) -> tuple[Choice, str]:
    """The settings to use and one sentence why; at least one outcome is needed."""
    fastest = max(outcomes, key=lambda each: outcomes[each].rate)
    best = outcomes[fastest]
    enough = [
        choice
        for choice, outcome in outcomes.items()
        if outcome.rate >= (1 - MARGIN) * best.rate or max(outcome.rates) >= min(best.rates)
    ]
    chosen = min(enough)
    return chosen, _why(outcomes, chosen, fastest)


def _why(outcomes: Mapping[Choice, Outcome], chosen: Choice, fastest: Choice) -> str:
    simplest = min(outcomes)
    if chosen == simplest:
        return "nothing else was faster by more than chance."
    got, base = outcomes[chosen], outcomes[simplest]
    times = significant(got.rate / base.rate)
    memory = significant(got.memory_mib / base.memory_mib)
    why = f"{times} times the requests of {simplest}, with {memory} times the memory"
    if chosen != fastest:
        return f"{why}; {fastest} costs more and was not faster by more than chance."
    return f"{why}; nothing cheaper came near it."
