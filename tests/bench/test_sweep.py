"""Which settings are tried, what becomes of those that cannot be, and when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from scoreserve.bench.choice import Choice
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.load import Figures
from scoreserve.bench.servers import Candidate, Rival, rivals
from scoreserve.bench.sweep import (
    PLAINEST,
    Plan,
    Sweep,
    candidates,
    in_words,
    usual_worker_counts,
)

START_SECONDS = 2.0


@dataclass
class FakeServer:
    """What `servers.Running` does, without a process; each load moves the time on."""

    bench: FakeBench
    candidate: Candidate
    start_seconds: float = START_SECONDS

    def answers(self) -> list[object]:
        self.bench.asked += 1
        return [self.bench.answer(self.candidate, self.bench.asked)]

    def load(self, connections: int, seconds: int) -> Figures:
        self.bench.now += seconds
        return Figures(100 * seconds, seconds, 1.0, 2.0, {}, 0.1)

    def memory_mib(self) -> float | None:
        return 100.0

    def batching(self) -> Mapping[str, Any]:
        return self.bench.told


@dataclass
class FakeBench:
    """All servers of a test."""

    now: float = 0.0
    asked: int = 0
    started: list[Candidate] = field(default_factory=list)
    stopped: int = 0
    told: dict[str, Any] = field(default_factory=lambda: {"way": "model", "off": None})

    def answer(self, candidate: Candidate, number: int) -> object:
        return [1]

    @contextmanager
    def start(self, candidate: Candidate) -> Iterator[FakeServer]:
        self.started.append(candidate)
        self.now += START_SECONDS
        try:
            yield FakeServer(self, candidate)
        finally:
            self.stopped += 1


def sweep_of(bench: FakeBench, plan: Plan, lines: list[str] | None = None) -> Sweep:
    told = [] if lines is None else lines
    return Sweep(plan, bench.start, told.append, told.append, clock=lambda: bench.now)


def plan_of(*choices: Candidate, rounds: int = 1, most_seconds: float = 1000.0) -> Plan:
    return Plan([PLAINEST, *choices], 4, seconds=3, rounds=rounds, most_seconds=most_seconds)


def test_each_setting_is_measured_once_a_round() -> None:
    bench = FakeBench()
    sweep = sweep_of(bench, plan_of(Choice(2, 1), rounds=2))
    sweep.run()
    assert bench.started == [PLAINEST, PLAINEST, Choice(2, 1), PLAINEST, Choice(2, 1)]
    assert bench.stopped == len(bench.started)
    assert [len(found) for found in sweep.findings.readings.values()] == [2, 2]
    assert sweep.findings.outcomes()[PLAINEST].rates == [100.0, 100.0]


def test_how_long_it_takes_is_told_before() -> None:
    lines: list[str] = []
    sweep_of(FakeBench(), plan_of(Choice(2, 1), rounds=2), lines).run()
    told = next(line for line in lines if "about" in line)
    assert "2 settings, 2 rounds" in told
    assert "about 24 s" in told  # (2 s to start, 1 to warm up, 3 to measure) x 2 x 2


def test_no_more_is_begun_than_there_is_time_for() -> None:
    bench = FakeBench()
    sweep = sweep_of(bench, plan_of(Choice(2, 1), rounds=9, most_seconds=30.0))
    sweep.run()
    assert sweep.findings.cut_short
    assert bench.now <= 30.0
    assert len(sweep.findings.readings) == 2


def test_settings_that_change_the_answer_are_left_out() -> None:
    class Differs(FakeBench):
        def answer(self, candidate: Candidate, number: int) -> object:
            return [2] if candidate == Choice(2, 1) else [1]

    sweep = sweep_of(Differs(), plan_of(Choice(2, 1)))
    sweep.run()
    assert "answers differ" in sweep.findings.left_out[Choice(2, 1)]
    assert list(sweep.findings.outcomes()) == [PLAINEST]


def test_answers_that_always_differ_are_not_compared() -> None:
    class Random(FakeBench):
        def answer(self, candidate: Candidate, number: int) -> object:
            return number

    sweep = sweep_of(Random(), plan_of(Choice(2, 1)))
    sweep.run()
    assert sweep.findings.answers_differ
    assert len(sweep.findings.outcomes()) == 2


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"way": "off", "off": "it writes to a global"}, "it writes to a global"),
        ({"way": "by hand", "off": None}, "@batched"),
    ],
)
def test_batch_sizes_that_make_no_difference_are_left_out(told: dict[str, Any], why: str) -> None:
    bench = FakeBench(told=told)
    sweep = sweep_of(bench, plan_of(Choice(1, 8), Choice(2, 1), Choice(2, 8)))
    sweep.run()
    assert why in sweep.findings.batching_off
    assert bench.started.count(Choice(2, 8)) == 0
    assert list(sweep.findings.readings) == [PLAINEST, Choice(2, 1)]


def test_a_script_that_does_not_start_is_told_at_once() -> None:
    class Broken(FakeBench):
        def answer(self, candidate: Candidate, number: int) -> object:
            raise BenchmarkError("sample.json is answered 400: no")

    bench = Broken()
    with pytest.raises(BenchmarkError, match="answered 400"):
        sweep_of(bench, plan_of(Choice(2, 1))).run()
    assert bench.stopped == len(bench.started) == 1


def test_another_server_is_measured_and_never_suggested() -> None:
    rival = Rival("other --port {port}", 0)
    sweep = sweep_of(FakeBench(), plan_of(rival))
    sweep.run()
    assert rival in sweep.findings.readings
    assert list(sweep.findings.outcomes()) == [PLAINEST]


def test_the_plainest_settings_are_always_tried() -> None:
    assert candidates([2], [8]) == [PLAINEST, Choice(2, 8)]


@pytest.mark.parametrize(
    ("template", "counts"),
    [("azmlinfsrv", [1, 2]), ("x {port} {workers}", [1, 2]), ("x {port}", [0])],
)
def test_another_server_is_tried_for_what_it_can_be_told(template: str, counts: list[int]) -> None:
    assert [each.workers for each in rivals(template, [1, 2])] == counts


@pytest.mark.parametrize(
    ("cpus", "expected"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 3, 4, 6]), (16, [1, 2, 3, 4, 8, 16])]
)
def test_worker_counts_reach_the_number_of_cpus(cpus: int, expected: list[int]) -> None:
    assert usual_worker_counts(cpus) == expected


def test_times_are_told_in_minutes_and_seconds() -> None:
    assert (in_words(59.4), in_words(60), in_words(125)) == ("59 s", "1 min 0 s", "2 min 5 s")
