"""What is measured, in which order: a plan is a list of cells, a cell is one reading."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.scenarios import CLOSED, MEMORY, OPEN, Scenario


@dataclass(frozen=True)
class Cell:
    """One reading. `point` is where on the scenario's axis, 0 when it has none."""

    scenario: str
    server: str
    point: int
    round: int


@dataclass(frozen=True)
class Plan:
    """`seconds` is the length of one reading under load, `workers` those of every server."""

    scenarios: list[str]
    servers: list[str]
    connections: list[int]
    rates: list[int] = field(default_factory=list)
    worker_counts: list[int] = field(default_factory=list)
    rounds: int = 3
    seconds: int = 3
    workers: int = 1

    def points(self, scenario: Scenario) -> list[int]:
        """The points on the scenario's axis."""
        axes = {CLOSED: self.connections, OPEN: self.rates, MEMORY: self.worker_counts}
        return axes.get(scenario.procedure, [0])

    def cells(self, scenario: Scenario) -> list[Cell]:
        """In turn: within a round and a point, the servers follow each other."""
        return [
            Cell(scenario.name, server, point, number)
            for number in range(1, self.rounds + 1)
            for point in self.points(scenario)
            for server in self.servers
        ]
