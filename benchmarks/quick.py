"""Compare scoreserve, the reference and the floor on one CPU, in interleaved rounds.

`make bench` runs this. benchmarks/README.md says how it measures and what the figures mean.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from types import FrameType
from typing import Any

import machine
from comparison import Round, available_cpus, divide_cpus, run_scenario
from failure import BenchmarkError
from load import find_wrk
from report import scenario_report
from scenarios import SCENARIOS, Scenario
from servers import COMMAND_OVERRIDES, Server, known_servers
from settings import Settings, parse_arguments

INTERRUPTED = 130  # the exit status of a program ended by Ctrl-C

Versions = dict[str, dict[str, str]]  # server name to distribution name to version


def compare(settings: Settings) -> None:
    """Measure and print one scenario after the other; raises BenchmarkError."""
    find_wrk()
    cpus = divide_cpus(available_cpus(), settings.cpus)
    servers = [known_servers()[name] for name in settings.servers]
    for server in servers:
        server.require()
    scenarios = [SCENARIOS[name]() for name in settings.scenarios]
    versions = collect_versions(servers, scenarios)

    results = {}
    for scenario in scenarios:
        rounds = run_scenario(settings, scenario, servers, cpus)
        results[scenario.name] = rounds
        print(scenario_report(scenario, settings, cpus, rounds), end="\n\n", flush=True)
    print(closing_lines(versions))
    if settings.json_file is not None:
        document = json.dumps(as_json(settings, results, versions), indent=2)
        settings.json_file.write_text(document + "\n", encoding="utf-8")


def collect_versions(servers: list[Server], scenarios: list[Scenario]) -> Versions:
    """Versions per server; raises BenchmarkError when one lacks what a scenario imports."""
    packages = sorted({package for scenario in scenarios for package in scenario.packages})
    return {
        server.name: machine.versions(server.python, [server.package, *packages])
        for server in servers
    }


def passed_settings() -> dict[str, str]:
    """The SCORESERVE_* variables that reach the servers and may change the figures."""
    return {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith("SCORESERVE_") and name not in COMMAND_OVERRIDES
    }


def closing_lines(versions: Versions) -> str:
    """Machine, versions and settings: what these figures hold for."""
    lines = [f"machine: {machine.describe()}"]
    for name, found in versions.items():
        lines.append(f"{name}: " + ", ".join(f"{key} {value}" for key, value in found.items()))
    for name, value in passed_settings().items():
        lines.append(f"set: {name}={value}")
    lines.append("access logs: scoreserve and the reference write theirs to a file, the floor none")
    return "\n".join(lines)


def as_json(
    settings: Settings, results: dict[str, list[Round]], versions: Versions
) -> dict[str, Any]:
    """Everything measured, round by round, for --json."""
    return {
        "machine": machine.describe(),
        "versions": versions,
        "environment": passed_settings(),
        "settings": {key: value for key, value in asdict(settings).items() if key != "json_file"},
        "rounds": {
            scenario: [
                {name: reading.as_dict() for name, reading in each.items()} for each in rounds
            ]
            for scenario, rounds in results.items()
        },
    }


def _end(signum: int, _frame: FrameType | None) -> None:
    """Turn SIGTERM and SIGHUP into an exit that stops the servers on its way out."""
    raise SystemExit(128 + signum)


def main() -> int:
    """Run the comparison; the exit status is 0 only when every reply was right."""
    settings = parse_arguments()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    try:
        compare(settings)
    except BenchmarkError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted, servers stopped", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
