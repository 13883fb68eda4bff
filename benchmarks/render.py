"""Draw the charts and write the page of results from what full.py has measured.

    python -m benchmarks.render .bench/results/results.json [...]

writes docs/charts/SCENARIO.svg and docs/charts/README.md; with `--page NAME`, docs/charts/NAME.md,
and charts whose names begin with NAME. Each file of results becomes a section; its charts carry the
numbers of CPUs and workers in their names when they are not one.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.charts import Line, Panel, Point, chart
from benchmarks.journal import Journal, from_document
from benchmarks.report import MEASURES, OURS, Measure, Readings
from benchmarks.scenarios import AXES, CLOSED, OPEN, SCENARIOS
from benchmarks.servers import ROOT
from scoreserve.bench.figures import significant, spread

CHARTS = ROOT / "docs" / "charts"
PAGE = "README"
DRAWN = {
    CLOSED: [("requests_per_second", "requests/s", "higher"), ("p99_ms", "p99, ms", "lower")],
    OPEN: [("p50_ms", "p50, ms", "lower"), ("p99_ms", "p99, ms", "lower")],
}
INTRODUCTION = """\
Written by `python -m benchmarks.render`; [how it is measured](../../benchmarks/README.md). Ratios
come first because they are what carries over to other machines: within a round the servers were
measured seconds apart on the same CPU. Figures are medians over the rounds, with the smallest and
the largest in brackets. `reference` is Microsoft's `azureml-inference-server-http`, and `floor` a
bare ASGI callable, which shows what HTTP alone costs. With batching, calls of run() meet in the
model, as is the default; `rows` is scoreserve with merged bodies (`SCORESERVE_BATCHING=rows`), and
`alone` scoreserve without batching.
"""


def lines_of(readings: Readings, key: str) -> list[Line]:
    """One line a server, of medians and ranges."""
    lines = []
    for server in readings.servers:
        points = []
        for point in readings.points:
            values = readings.values(server, point, key)
            if values and min(values) > 0:
                points.append(Point(point, median(values), min(values), max(values)))
        if points:
            lines.append(Line(server, points))
    return lines


def draw(readings: Readings, conditions: str) -> str:
    """The chart of one scenario."""
    procedure = readings.scenario.procedure
    panels = [
        Panel(title, AXES[procedure], lines_of(readings, key), better)
        for key, title, better in DRAWN[procedure]
    ]
    return chart(f"{readings.scenario.name}: {readings.scenario.about}", conditions, panels)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    head = [columns, ["---", *["---:"] * (len(columns) - 1)]]
    return ["| " + " | ".join(row) + " |" for row in [*head, *rows]]


def ratio_table(readings: Readings, measure: Measure) -> list[str]:
    """scoreserve over each other server, a column for each point."""
    rows = []
    for server in readings.servers:
        cells = []
        for point in readings.points:
            found = readings.ratios(OURS, server, point, measure.key)
            cells.append(spread(found, "x") if found else "")
        if server != OURS and any(cells):
            rows.append([server, *cells])
    axis = AXES.get(readings.scenario.procedure)
    points = [f"{point} {axis}" if axis else measure.title for point in readings.points]
    return markdown_table([f"{measure.title}: {OURS} / ...", *points], rows) if rows else []


def figure_table(readings: Readings) -> list[str]:
    """All figures of all servers, a row for each server and point."""
    measures = MEASURES[readings.scenario.procedure]
    axis = AXES.get(readings.scenario.procedure)
    rows = []
    for server in readings.servers:
        for point in readings.points:
            values = [readings.values(server, point, measure.key) for measure in measures]
            cells = list(map(spread, values)) if all(values) else []
            why = readings.why_not(server, point)
            if cells or why:
                cells = cells or [f"not measured: {_plain(why or '')}", *[""] * (len(measures) - 1)]
                rows.append([server, *([str(point)] if axis else []), *cells])
    head = ["server", *([axis] if axis else []), *(measure.title for measure in measures)]
    return markdown_table(head, rows)


def _plain(text: str) -> str:
    return text.replace("|", "/")


def section(journal: Journal, name: str, chart_name: str) -> list[str]:
    """Heading, chart, ratios and figures of one scenario; writes the chart."""
    readings = Readings(journal, SCENARIOS[name]())
    scenario = readings.scenario
    lines = [f"### {name}", "", f"{scenario.about[0].upper()}{scenario.about[1:]}.", ""]
    if scenario.procedure in DRAWN and any(lines_of(readings, DRAWN[scenario.procedure][0][0])):
        file = CHARTS / f"{chart_name}.svg"
        file.write_text(draw(readings, conditions_line(journal, readings)), encoding="utf-8")
        lines += [f"![{scenario.about}]({file.name})", ""]
    for measure in MEASURES[scenario.procedure]:
        table = ratio_table(readings, measure) if measure.compare else []
        if table:
            lines += [*table, ""]
    details = ["<details><summary>Figures</summary>", "", *figure_table(readings), "", "</details>"]
    return [*lines, *details, ""]


def conditions_line(journal: Journal, readings: Readings) -> str:
    """Where and how it was measured, in one line."""
    conditions = journal.conditions
    cpus = "one CPU" if conditions["cpus"] == 1 else f"{conditions['cpus']} CPUs"
    return (
        f"servers on {cpus}, {_workers(conditions['workers'])}, median and range of "
        f"{len(readings.rounds)} interleaved rounds of {conditions['seconds']} s"
    )


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def run_section(journal: Journal, page: str = PAGE) -> list[str]:
    """One file of results: conditions, versions, scenarios."""
    conditions = journal.conditions
    cpus, workers = conditions["cpus"], conditions["workers"]
    prefix = "" if page == PAGE else f"{page}_"
    suffix = "" if cpus == workers == 1 else f"_{cpus}cpus_{workers}workers"
    lines = [
        f"## Servers on {cpus} CPU{'s' if cpus > 1 else ''}, {_workers(workers)} each",
        "",
        f"{conditions['machine']}.",
        "",
    ]
    for name in SCENARIOS:
        if any(cell.scenario == name for cell in journal.readings):
            lines += section(journal, name, f"{prefix}{name}{suffix}")
    lines += ["### Versions", ""]
    rows = [
        [name, ", ".join(f"{key} {value}" for key, value in versions.items())]
        for name, versions in journal.versions.items()
    ]
    return [*lines, *markdown_table(["server", "versions"], rows), ""]


def headline(journal: Journal) -> list[str]:
    """The one table of the first page: scoreserve over each other server, by scenario."""
    rows = []
    for name in SCENARIOS:
        readings = Readings(journal, SCENARIOS[name]())
        if readings.scenario.procedure != CLOSED or OURS not in readings.servers:
            continue
        point = max(readings.points, key=lambda each: (each == 64, each), default=0)
        for server in readings.servers:
            found = readings.ratios(OURS, server, point, "requests_per_second")
            if server != OURS and found:
                rows.append([name, str(point), server, f"{significant(median(found))}x"])
    columns = ["scenario", "connections", "server", f"{OURS} answers so many times the requests"]
    return [*markdown_table(columns, rows), ""] if rows else []


def render(files: Sequence[Path], page: str = PAGE) -> Path:
    """Write charts and page; the page's path."""
    CHARTS.mkdir(parents=True, exist_ok=True)
    journals = [from_document(json.loads(file.read_text(encoding="utf-8"))) for file in files]
    title = "# Results" if page == PAGE else f"# Results: {page}"
    lines = [title, "", INTRODUCTION, *headline(journals[0])]
    for journal in journals:
        lines += run_section(journal, page)
    file = CHARTS / f"{page}.md"
    file.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return file


def main() -> int:
    """Render the files named on the command line."""
    parser = argparse.ArgumentParser(prog="render", description="Draw what full.py measured.")
    parser.add_argument("results", nargs="+", type=Path, help="results.json of one run or more")
    parser.add_argument("--page", default=PAGE, help="the page's name (default: %(default)s)")
    options = parser.parse_args()
    print(f"wrote {render(options.results, options.page)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
