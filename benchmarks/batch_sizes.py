"""Throughput and p99 of scoreserve against SCORESERVE_MAX_BATCH_SIZE, digits example, as a chart.

    python -m benchmarks.batch_sizes

starts one server for each size, measures them in turn on one CPU and draws
docs/charts/batch_sizes.svg. A rerun goes on where the last one ended; --out chooses another place.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks import program
from benchmarks.campaign import Campaign
from benchmarks.charts import Line, Panel, Point, chart
from benchmarks.cpus import available_cpus, divide_cpus
from benchmarks.journal import Journal
from benchmarks.load import find_wrk
from benchmarks.plan import Plan
from benchmarks.render import CHARTS
from benchmarks.report import OURS, Readings, table
from benchmarks.scenarios import SCENARIOS
from benchmarks.servers import Launch, Server, known_servers
from benchmarks.settings import RESULTS, Settings, positive
from scoreserve.bench.figures import spread

SCENARIO = "digits"
SIZES = [1, 2, 4, 8, 16, 32, 64, 128]
CONNECTIONS = 64
PANELS = [("requests_per_second", "requests/s", "higher"), ("p99_ms", "p99, ms", "lower")]


def variant(size: int) -> Server:
    """scoreserve with that batch size."""

    def variables(launch: Launch) -> dict[str, str]:
        return {"SCORESERVE_MAX_BATCH_SIZE": str(size)}

    return replace(known_servers()[OURS], name=str(size), variables=variables)


def lines_of(readings: Readings, sizes: Sequence[int], key: str) -> list[Line]:
    """The one line: a point for each size."""
    points = []
    for size in sizes:
        values = readings.values(str(size), CONNECTIONS, key)
        if values:
            points.append(Point(size, median(values), min(values), max(values)))
    return [Line(OURS, points)]


def draw(readings: Readings, settings: Settings) -> str:
    """The chart."""
    panels = [
        Panel(title, "SCORESERVE_MAX_BATCH_SIZE", lines_of(readings, SIZES, key), better)
        for key, title, better in PANELS
    ]
    plan = settings.plan
    where = (
        f"{CONNECTIONS} connections, one worker, one CPU, {plan.rounds} rounds of {plan.seconds} s"
    )
    return chart("Batch size, digits example, one row a request", where, panels)


def measure(settings: Settings) -> int:
    """Measure what is missing, print the table, write the chart."""
    find_wrk()
    journal = Journal(program.conditions(settings), settings.out / "journal.jsonl")
    cpus = divide_cpus(available_cpus(), settings.cpus)
    servers = {str(size): variant(size) for size in SIZES}
    Campaign(settings.plan, journal, cpus, servers).run(strict=True)
    readings = Readings(journal, SCENARIOS[SCENARIO]())
    rows = [
        [str(size), *(spread(readings.values(str(size), CONNECTIONS, key)) for key, _, _ in PANELS)]
        for size in SIZES
    ]
    print("\n".join(table(["batch size", *(title for _, title, _ in PANELS)], rows)))
    print(f"machine: {journal.conditions['machine']}")
    CHARTS.mkdir(parents=True, exist_ok=True)
    file = CHARTS / "batch_sizes.svg"
    file.write_text(draw(readings, settings), encoding="utf-8")
    print(f"wrote {file}")
    return 0


def main() -> int:
    """Run it; the exit status is 0 only when every reply was right."""
    parser = argparse.ArgumentParser(prog="batch_sizes", description="Speed against batch size.")
    parser.add_argument("--rounds", type=positive, default=3, help="default: 3")
    parser.add_argument("--seconds", type=positive, default=3, help="per reading; default: 3")
    parser.add_argument("--out", type=Path, default=RESULTS / "batch_sizes", help="the journal's")
    options = parser.parse_args()
    plan = Plan(
        scenarios=[SCENARIO],
        servers=list(map(str, SIZES)),
        connections=[CONNECTIONS],
        rounds=options.rounds,
        seconds=options.seconds,
    )
    settings = Settings(plan=plan, cpus=1, out=options.out)
    return program.run(lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main())
