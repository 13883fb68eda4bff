"""Tries settings for a script, one server after the other, within a time that is told before.

    plain    one worker, no batching: the answers that all others are held to, and how long a start
             takes, from which the time for all is told
    round    each of the settings once, then the next round: a change in the machine's mood shows in
             the range

One at a time, since the model may be big. Settings that change an answer, and batch sizes that make
no difference to this script, are left out from then on.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from scoreserve.bench.choice import Choice, Outcome
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.load import Figures
from scoreserve.bench.servers import Candidate, Rival

WARM_UP_SECONDS = 1
PLAINEST = Choice(1, 1)


@dataclass(frozen=True)
class Plan:
    """What is tried: how many connections, seconds a reading, rounds, and seconds for all of it."""

    candidates: Sequence[Candidate]
    connections: int
    seconds: int
    rounds: int
    most_seconds: float

    def expected_seconds(self, start_seconds: float) -> float:
        """How long all of it takes, where a server starts within so many seconds."""
        each = start_seconds + WARM_UP_SECONDS + self.seconds
        return each * len(self.candidates) * self.rounds


class Server(Protocol):
    """A server that answers: see `servers.Running`."""

    start_seconds: float

    def answers(self) -> list[object]: ...

    def load(self, connections: int, seconds: int) -> Figures: ...

    def memory_mib(self) -> float | None: ...

    def batching(self) -> Mapping[str, Any]: ...


@dataclass
class Findings:
    """What was measured so far. `left_out` says why a candidate was; `batching` is what the server
    last said of it at each of our settings; `cut_short`: not all of it was measured.
    """

    readings: dict[Candidate, list[Figures]] = field(default_factory=dict)
    memory_mib: dict[Candidate, float] = field(default_factory=dict)
    left_out: dict[Candidate, str] = field(default_factory=dict)
    batching: dict[Choice, Mapping[str, Any]] = field(default_factory=dict)
    batching_off: str = ""  # why batch sizes make no difference to this script
    answers_differ: bool = False  # from call to call, so that they cannot be compared
    busy: float = 0.0  # the most that the load generator took of a CPU
    cut_short: bool = False

    def outcomes(self) -> dict[Choice, Outcome]:
        """What a choice is made from: ours, without a failed request."""
        return {
            candidate: Outcome(
                rates=[each.requests_per_second for each in readings],
                memory_mib=self.memory_mib.get(candidate, 0.0),
            )
            for candidate, readings in self.readings.items()
            if isinstance(candidate, Choice)
            and candidate not in self.left_out
            and not any(each.failed for each in readings)
        }


class Sweep:
    """Tries all of a plan. `start` starts a server; `say` is told what is being done, and `tell`
    what is worth a line of its own.
    """

    def __init__(
        self,
        plan: Plan,
        start: Callable[[Candidate], AbstractContextManager[Server]],
        say: Callable[[str], None],
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.findings = Findings()
        self._plan = plan
        self._start = start
        self._say = say
        self._tell = tell
        self._clock = clock
        self._deadline = clock() + plan.most_seconds
        self._expected: list[object] | None = None
        self._longest_try = 0.0

    def run(self) -> None:
        """Measures. Raises BenchmarkError when the plainest settings cannot be measured."""
        self._say("starting the server once, to see what it answers")
        with self._start(PLAINEST) as server:
            first, second = server.answers(), server.answers()
            self.findings.answers_differ = first != second
            self._expected = None if first != second else first
            self._tell(self._announced(server.start_seconds))
        tries = itertools.product(range(1, self._plan.rounds + 1), self._plan.candidates)
        for number, candidate in tries:
            if candidate in self.findings.left_out:
                continue
            if self._clock() + self._longest_try > self._deadline:
                self.findings.cut_short = True
                break
            self._say(f"round {number} of {self._plan.rounds}: {candidate}")
            self._try(candidate)
        if PLAINEST in self.findings.left_out:
            raise BenchmarkError(self.findings.left_out[PLAINEST])

    def _announced(self, start_seconds: float) -> str:
        """How long it will take, in words."""
        plan = self._plan
        expected = plan.expected_seconds(start_seconds)
        settings = _counted(len(plan.candidates), "setting")
        text = (
            f"{settings}, {_counted(plan.rounds, 'round')}, readings of {plan.seconds} s:"
            f" about {in_words(expected)}"
        )
        if expected > plan.most_seconds:
            text += f", of which it measures for {in_words(plan.most_seconds)} (--limit)"
        return f"{text}. Ctrl-C ends it and shows what it has."

    def _try(self, candidate: Candidate) -> None:
        begun = self._clock()
        try:
            with self._start(candidate) as server:
                self._measure(candidate, server)
        except BenchmarkError as error:
            self.findings.left_out[candidate] = str(error)
        self._longest_try = max(self._longest_try, self._clock() - begun)

    def _measure(self, candidate: Candidate, server: Server) -> None:
        """Raises BenchmarkError where there is nothing to measure."""
        found = self.findings
        if self._expected is not None and server.answers() != self._expected:
            raise BenchmarkError("answers differ from those without batching")
        if isinstance(candidate, Choice) and candidate.batch_size > 1:
            told = server.batching()
            if told.get("off") or told.get("way") == "by hand":
                self._leave_batching(str(told.get("off") or "run() is @batched"))
                return
        server.load(self._plan.connections, WARM_UP_SECONDS)
        figures = server.load(self._plan.connections, self._plan.seconds)
        found.readings.setdefault(candidate, []).append(figures)
        found.busy = max(found.busy, figures.busy)
        memory = server.memory_mib()
        if memory is not None:
            found.memory_mib[candidate] = max(memory, found.memory_mib.get(candidate, 0.0))
        if isinstance(candidate, Choice):
            found.batching[candidate] = server.batching()

    def _leave_batching(self, why: str) -> None:
        """Batch sizes make no difference."""
        self.findings.batching_off = why
        for candidate in self._plan.candidates:
            if isinstance(candidate, Choice) and candidate.batch_size > 1:
                self.findings.left_out[candidate] = why


def candidates(
    worker_counts: Sequence[int], batch_sizes: Sequence[int], others: Sequence[Rival] = ()
) -> list[Candidate]:
    """All that is tried, the plainest first, which is always among them."""
    ours = itertools.starmap(Choice, itertools.product(worker_counts, batch_sizes))
    return [*sorted({PLAINEST, *ours}), *others]


def usual_worker_counts(cpus: int) -> list[int]:
    """1 to the number of CPUs; beyond four only powers of two and the number itself."""
    return [
        count
        for count in range(1, cpus + 1)
        if count <= 4 or count == cpus or not count & count - 1
    ]


def in_words(seconds: float) -> str:
    """As in `1 min 20 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
