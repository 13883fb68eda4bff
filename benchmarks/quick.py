"""Compare scoreserve, the reference and the floor on one CPU, in interleaved rounds.

`make bench` runs this. README.md in this directory says how it measures and what the figures mean.
"""

from __future__ import annotations

import json
import sys

from benchmarks import program
from benchmarks.campaign import Campaign
from benchmarks.cpus import available_cpus, divide_cpus
from benchmarks.journal import Journal
from benchmarks.load import find_wrk
from benchmarks.report import closing_lines, scenario_report
from benchmarks.scenarios import SCENARIOS
from benchmarks.settings import Settings, quick_settings


def compare(settings: Settings) -> int:
    """Measure and print; raises BenchmarkError when anything is not right."""
    find_wrk()
    cpus = divide_cpus(available_cpus(), settings.cpus)
    journal = Journal(program.conditions(settings))
    Campaign(settings.plan, journal, cpus).run(strict=True)
    for name in settings.plan.scenarios:
        print(scenario_report(SCENARIOS[name](), settings.plan, cpus, journal), end="\n\n")
    print(closing_lines(journal))
    if settings.json_file is not None:
        document = json.dumps(journal.as_document(), indent=2)
        settings.json_file.write_text(document + "\n", encoding="utf-8")
    return 0


def main() -> int:
    """Run the comparison; the exit status is 0 only when every reply was right."""
    settings = quick_settings()
    return program.run(lambda: compare(settings))


if __name__ == "__main__":
    sys.exit(main())
