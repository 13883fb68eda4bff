"""From readings to what is printed: ratios first, then medians with their range."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from comparison import Cpus, Round
from load import Reading
from scenarios import Scenario
from settings import Settings

CELL_WIDTH = 25

Measure = Callable[[Reading], float]


def rate(reading: Reading) -> float:
    """Requests per second."""
    return reading.requests_per_second


def p50(reading: Reading) -> float:
    """Median latency in milliseconds."""
    return reading.p50_ms


def p99(reading: Reading) -> float:
    """Latency in milliseconds that one request in a hundred exceeds."""
    return reading.p99_ms


def ratios(rounds: list[Round], one: str, other: str, measure: Measure) -> list[float]:
    """`one` over `other`, round by round: within a round they were measured seconds apart."""
    return [measure(readings[one]) / measure(readings[other]) for readings in rounds]


def significant(value: float) -> str:
    """Three significant digits, or all digits before the point; never an exponent."""
    decimals = 0
    while decimals < 4 and abs(value) * 10**decimals < 100:
        decimals += 1
    return f"{value:,.{decimals}f}"


def spread(values: list[float], unit: str = "") -> str:
    """`median (min-max)` of the values, the unit after the median."""
    low, middle, high = map(significant, (min(values), median(values), max(values)))
    return f"{middle}{unit} ({low}-{high})"


def table(columns: list[str], rows: dict[str, list[str]]) -> list[str]:
    """Lines of a plain table; the first column holds the names of the rows."""
    lines = []
    for cells in (columns, *([name, *cells] for name, cells in rows.items())):
        line = "".join(f"{cell:<{CELL_WIDTH}}" for cell in cells)
        lines.append(f"  {line}".rstrip())
    return lines


def ratio_rows(rounds: list[Round], names: list[str]) -> dict[str, list[str]]:
    """Each server over each one after it, so the first is compared with all others."""
    return {
        f"{one} / {other}": [
            spread(ratios(rounds, one, other, rate), "x"),
            spread(ratios(rounds, one, other, p50), "x"),
        ]
        for position, one in enumerate(names)
        for other in names[position + 1 :]
    }


def server_rows(rounds: list[Round], names: list[str]) -> dict[str, list[str]]:
    """Requests per second and latencies of each server."""
    return {
        name: [
            spread([measure(readings[name]) for readings in rounds]) for measure in (rate, p50, p99)
        ]
        for name in names
    }


def heading(scenario: Scenario, settings: Settings, cpus: Cpus) -> str:
    """What was measured, and where the two sides ran."""
    servers, load = (",".join(map(str, side)) for side in (cpus.servers, cpus.load))
    return (
        f"{scenario.name}: {scenario.about}\n"
        f"  connections {settings.connections}, workers per server {settings.workers}, "
        f"servers on CPU {servers}, wrk on CPU {load}, "
        f"rounds {settings.rounds} of {settings.seconds} s"
    )


def scenario_report(scenario: Scenario, settings: Settings, cpus: Cpus, rounds: list[Round]) -> str:
    """The heading and the two tables of one scenario."""
    names = settings.servers
    lines = [heading(scenario, settings, cpus), ""]
    if len(names) > 1:
        columns = ["ratio (min-max)", "requests/s", "p50 latency"]
        lines += [*table(columns, ratio_rows(rounds, names)), ""]
    columns = ["median (min-max)", "requests/s", "p50 ms", "p99 ms"]
    lines += table(columns, server_rows(rounds, names))
    return "\n".join(lines)
