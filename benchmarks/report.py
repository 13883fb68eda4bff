"""From readings to tables: ratios first, then medians with their range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.cpus import Cpus
from benchmarks.journal import Failure, Journal
from benchmarks.plan import Cell, Plan
from benchmarks.procedures import IN_PROCESS
from benchmarks.scenarios import BODY, CLOSED, COLD, MEMORY, OPEN, PROBES, SCENARIOS, Scenario
from benchmarks.statistics import ratios
from scoreserve.bench.figures import significant, spread

OURS = "scoreserve"
MISSING = "-"


@dataclass(frozen=True)
class Measure:
    """One figure of a reading and how its column is headed; ratios only where `compare`."""

    key: str
    title: str
    compare: bool = False


MEASURES = {
    CLOSED: [
        Measure("requests_per_second", "requests/s", compare=True),
        Measure("p50_ms", "p50 ms", compare=True),
        Measure("p99_ms", "p99 ms"),
    ],
    OPEN: [
        Measure("requests_per_second", "answered/s"),
        Measure("p50_ms", "p50 ms"),
        Measure("p99_ms", "p99 ms", compare=True),
        Measure("unanswered", "unanswered"),
        Measure("failed", "failed"),
        Measure("lag_p99_ms", "client lag p99 ms"),
    ],
    BODY: [Measure("seconds", "seconds", compare=True), Measure("peak_mib", "peak MiB", True)],
    PROBES: [
        Measure("p50_ms", "p50 ms"),
        Measure("p99_ms", "p99 ms", compare=True),
        Measure("max_ms", "max ms"),
        Measure("unanswered", "unanswered"),
    ],
    COLD: [
        Measure("ready_ms", "to 200 on the probe, ms", compare=True),
        Measure("answered_ms", "to 200 on a request, ms"),
    ],
    MEMORY: [
        Measure("pss_mib", "PSS MiB", compare=True),
        Measure("rss_mib", "RSS MiB"),
        Measure("processes", "processes"),
    ],
}


class Readings:
    """The readings of one scenario, by server and point, in the order of the rounds."""

    def __init__(self, journal: Journal, scenario: Scenario) -> None:
        """All that the journal has of the scenario."""
        self.scenario = scenario
        self.journal = journal
        mine = [cell for cell in journal.readings if cell.scenario == scenario.name]
        noted = [each for each in journal.failures if each.scenario == scenario.name]
        found = dict.fromkeys([cell.server for cell in mine] + [each.server for each in noted])
        self.servers = sorted(found, key=_rank)
        self.points = sorted({cell.point for cell in mine})
        self.rounds = sorted({cell.round for cell in mine})

    def values(self, server: str, point: int, key: str) -> list[float]:
        """The figure in each round that has it."""
        return [value for _, value in self._numbered(server, point, key)]

    def ratios(self, one: str, other: str, point: int, key: str) -> list[float]:
        """`one` over `other` in each round that has both."""
        ones, others = (dict(self._numbered(name, point, key)) for name in (one, other))
        both = [number for number in ones if others.get(number)]
        return ratios([ones[each] for each in both], [others[each] for each in both])

    def why_not(self, server: str, point: int) -> str | None:
        """Why there is no reading."""
        for failure in (
            Failure(self.scenario.name, server, point),
            Failure(self.scenario.name, server),
        ):
            if failure in self.journal.failures:
                return self.journal.failures[failure].partition("\n")[0]
        return None

    def _numbered(self, server: str, point: int, key: str) -> list[tuple[int, float]]:
        found = []
        for number in self.rounds:
            cell = Cell(self.scenario.name, server, point, number)
            if cell in self.journal.readings:
                found.append((number, self.journal.readings[cell][key]))
        return found


def _rank(server: str) -> int:
    """scoreserve first, then as they are known, what has no server last."""
    from benchmarks.servers import known_servers

    order = [*known_servers(), IN_PROCESS]
    return order.index(server) if server in order else len(order)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a plain table whose columns are as wide as their widest cell."""
    widths = [max(len(row[i]) for row in [columns, *rows]) for i in range(len(columns))]
    lines = []
    for row in [columns, *rows]:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        lines.append(("  " + "   ".join(cells)).rstrip())
    return lines


def ratio_rows(readings: Readings, one: str, point: int) -> list[list[str]]:
    """`one` over each of the others, for the figures worth comparing."""
    measures = [each for each in MEASURES[readings.scenario.procedure] if each.compare]
    rows = []
    for other in readings.servers:
        cells = [readings.ratios(one, other, point, measure.key) for measure in measures]
        if other != one and all(cells):
            rows.append([f"{one} / {other}", *(spread(cell, "x") for cell in cells)])
    return rows


def server_rows(readings: Readings, point: int) -> list[list[str]]:
    """The figures of each server; the reason where there are none."""
    measures = MEASURES[readings.scenario.procedure]
    rows = []
    for server in readings.servers:
        values = [readings.values(server, point, measure.key) for measure in measures]
        if all(values):
            rows.append([server, *map(spread, values)])
        else:
            why = readings.why_not(server, point) or "not measured"
            rows.append([server, f"({why})", *[""] * (len(measures) - 1)])
    return rows


def point_tables(readings: Readings, point: int) -> list[str]:
    """Ratios of every server to those after it, then the figures."""
    measures = MEASURES[readings.scenario.procedure]
    compared = [measure.title for measure in measures if measure.compare]
    present = [name for name in readings.servers if readings.values(name, point, measures[0].key)]
    lines = []
    rows = ratio_rows(readings, present[0], point) if present else []
    if rows:
        lines += [*table(["ratio (min-max)", *compared], rows), ""]
    titles = [measure.title for measure in measures]
    return lines + table(["median (min-max)", *titles], server_rows(readings, point))


def scenario_report(scenario: Scenario, plan: Plan, cpus: Cpus, journal: Journal) -> str:
    """What quick.py prints of one scenario."""
    readings = Readings(journal, scenario)
    servers, load = (",".join(map(str, side)) for side in (cpus.servers, cpus.load))
    where = f"servers on CPU {servers}, load on CPU {load}"
    lines = [
        f"{scenario.name}: {scenario.about}",
        f"  workers per server {plan.workers}, {where}, rounds {plan.rounds} of {plan.seconds} s",
    ]
    for point in readings.points:
        at = f"  at {point} connections" if scenario.procedure == CLOSED else ""
        lines += [at, *point_tables(readings, point)]
    return "\n".join(lines)


def summary(journal: Journal) -> str:
    """What full.py prints: for each scenario the medians of its first figure, by point."""
    blocks = []
    for name in dict.fromkeys(cell.scenario for cell in journal.readings):
        readings = Readings(journal, SCENARIOS[name]())
        blocks.append("\n".join([name, *summary_table(readings)]))
    return "\n\n".join(blocks) + "\n"


def summary_table(readings: Readings) -> list[str]:
    """One row a server, one column a point."""
    measure = MEASURES[readings.scenario.procedure][0]
    rows = []
    for server in readings.servers:
        cells = []
        for point in readings.points:
            values = readings.values(server, point, measure.key)
            why = readings.why_not(server, point)
            cells.append(significant(median(values)) if values else "failed" if why else MISSING)
        rows.append([server, *cells])
    return table([measure.title, *map(str, readings.points)], rows)


def closing_lines(journal: Journal) -> str:
    """Machine, versions and settings: what these figures hold for."""
    conditions = journal.conditions
    lines = [f"machine: {conditions['machine']}"]
    for name, versions in journal.versions.items():
        lines.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in versions.items()))
    for name, value in conditions["environment"].items():
        lines.append(f"set: {name}={value}")
    for failure, why in journal.failures.items():
        at = "" if failure.point is None else f" at {failure.point}"
        first = why.partition("\n")[0]
        lines.append(f"not measured: {failure.scenario}, {failure.server}{at}: {first}")
    return "\n".join(lines)
