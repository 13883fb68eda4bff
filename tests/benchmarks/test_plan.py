"""The order of the readings, and what stands on the axis of a scenario."""

from dataclasses import replace

from benchmarks.plan import Cell, Plan
from benchmarks.scenarios import COLD, MEMORY, OPEN, noop

PLAN = Plan(["noop"], ["a", "b"], [1, 64], rates=[500], worker_counts=[1, 2], rounds=2)


def test_servers_take_turns_within_a_round() -> None:
    assert PLAN.cells(noop()) == [
        Cell("noop", server, point, number)
        for number in (1, 2)
        for point in (1, 64)
        for server in ("a", "b")
    ]


def test_each_kind_of_scenario_has_its_own_axis() -> None:
    points = {kind: PLAN.points(replace(noop(), procedure=kind)) for kind in (OPEN, MEMORY, COLD)}
    assert points == {OPEN: [500], MEMORY: [1, 2], COLD: [0]}
