"""Measure all scenarios on all servers; `make bench-all` runs this.

Every reading goes into OUT/journal.jsonl at once, and a run goes on where the last one ended. In
the end, or when the time given with --minutes is over, OUT/results.json holds all there is, for
render.py.
"""

from __future__ import annotations

import json
import sys

from benchmarks import program
from benchmarks.campaign import Campaign
from benchmarks.cpus import available_cpus, divide_cpus
from benchmarks.journal import Journal
from benchmarks.load import find_wrk
from benchmarks.report import closing_lines, summary
from benchmarks.settings import Settings, full_settings


def measure(settings: Settings) -> int:
    """Measure what is missing and write the results; raises BenchmarkError."""
    find_wrk()
    cpus = divide_cpus(available_cpus(), settings.cpus)
    journal = Journal(program.conditions(settings), settings.out / "journal.jsonl")
    try:
        complete = Campaign(settings.plan, journal, cpus).run(seconds=60 * settings.minutes)
    finally:
        results = settings.out / "results.json"
        document = json.dumps(journal.as_document(), indent=1)
        results.write_text(document + "\n", encoding="utf-8")
    print(summary(journal))
    print(closing_lines(journal))
    print(f"results: {results}" + ("" if complete else " (time is up: run again to go on)"))
    return 0


def main() -> int:
    """Run it; the exit status is 0 when the results are written, whatever failed on the way."""
    settings = full_settings()
    return program.run(lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main())
