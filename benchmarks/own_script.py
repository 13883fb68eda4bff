"""Measure your own entry script for worker counts and batch sizes, and suggest settings.

    make bench SCRIPT=path/score.py SAMPLE=path/sample.json

Each combination is a server of its own, started, warmed up, loaded and stopped, one after the other
since your model may be big; the whole is repeated, so a change in the machine's mood shows in the
range. The servers may use all CPUs and share them with the load. Settings under which the reply to
the sample differs from the plain one are left out of the choice.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks import machine, program
from benchmarks.choice import Choice, Outcome, choose
from benchmarks.cpus import available_cpus
from benchmarks.failure import BenchmarkError
from benchmarks.load import Figures, closed_load, find_wrk
from benchmarks.processes import ask, launch_of, marked, proportional_mib, running
from benchmarks.report import OURS, table
from benchmarks.scenarios import JSON, Scenario
from benchmarks.servers import Server, known_servers, no_variables
from benchmarks.settings import positive
from benchmarks.statistics import spread

BATCH_SIZES = [1, 8, 32, 128]
WARM_UP_SECONDS = 1
RATE = "requests_per_second"
MEMORY = "memory_mib"
COLUMNS = {
    RATE: "requests/s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    MEMORY: "PSS MiB",
}


@dataclass(frozen=True)
class Options:
    """The command line."""

    script: Path
    sample: Path
    model_dir: Path
    command: Path
    connections: int
    seconds: int
    rounds: int


def worker_counts(cpus: int) -> list[int]:
    """1 to the number of CPUs; beyond four only powers of two and the number itself."""
    return [
        count
        for count in range(1, cpus + 1)
        if count <= 4 or count == cpus or not count & count - 1
    ]


def choices(cpus: int) -> list[Choice]:
    """All that is tried, the plainest first."""
    return list(itertools.starmap(Choice, itertools.product(worker_counts(cpus), BATCH_SIZES)))


def own_scenario(options: Options) -> Scenario:
    """The script and its sample; what is not called .json is sent as bytes."""
    is_json = options.sample.suffix == ".json"
    return Scenario(
        name=options.script.stem,
        about=str(options.script),
        work="",
        entry_script=options.script.absolute(),
        model_dir=options.model_dir.absolute(),
        body_file=options.sample,
        content_type=JSON if is_json else "application/octet-stream",
    )


class Sweep:
    """Tries all choices, `rounds` times."""

    def __init__(self, options: Options) -> None:
        """Nothing is started yet."""
        self.options = options
        self.scenario = own_scenario(options)
        self.server: Server = replace(
            known_servers()[OURS], executable=options.command, variables=no_variables
        )
        self.cpus = available_cpus()
        self.expected: object = None
        self.readings: dict[Choice, list[Figures]] = {}
        self.refused: dict[Choice, str] = {}

    def run(self) -> None:
        """Measure; a choice that fails is noted, the plainest one must not."""
        self.server.require()
        tried = choices(len(self.cpus))
        self.expected = self._plain_reply(tried[0])
        for number in range(1, self.options.rounds + 1):
            for choice in tried:
                if choice not in self.refused:
                    print(f"round {number}: {choice}", file=sys.stderr, flush=True)
                    self._try(choice)
        if tried[0] in self.refused:
            raise BenchmarkError(self.refused[tried[0]])

    def outcomes(self) -> dict[Choice, Outcome]:
        """What the choice is made from."""
        return {
            choice: Outcome(
                rates=[each[RATE] for each in readings],
                memory_mib=median(each[MEMORY] for each in readings),
            )
            for choice, readings in self.readings.items()
            if choice not in self.refused
        }

    def table(self) -> list[str]:
        """A row for each choice."""
        rows = []
        for choice in choices(len(self.cpus)):
            head = [str(choice.workers), str(choice.batch_size)]
            if choice in self.refused:
                rows.append([*head, self.refused[choice].partition("\n")[0], "", "", ""])
            else:
                readings = self.readings[choice]
                rows.append([*head, *(spread([each[key] for each in readings]) for key in COLUMNS)])
        return table(["workers", "batch size", *COLUMNS.values()], rows)

    def _plain_reply(self, plainest: Choice) -> object:
        """The reply all others are held to; None when the script never replies the same."""
        with tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as directory:
            launch = launch_of(self.scenario, plainest.workers)
            with running(self.server, launch, self.cpus, Path(directory) / "log") as started:
                first, second = ask(started), ask(started)
        if first != second:
            print("the script's replies differ from call to call, so they are not compared")
            return None
        return first

    def _try(self, choice: Choice) -> None:
        options = self.options
        overrides = {"SCORESERVE_MAX_BATCH_SIZE": str(choice.batch_size)}
        launch = launch_of(self.scenario, choice.workers, overrides)
        with tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as directory:
            log = Path(directory) / "log"
            try:
                with running(self.server, launch, self.cpus, log) as started:
                    if self.expected is not None and ask(started) != self.expected:
                        raise BenchmarkError("the reply differs from the plain one")
                    closed_load(started, options.connections, WARM_UP_SECONDS)
                    figures = closed_load(started, options.connections, options.seconds)
                    figures[MEMORY] = proportional_mib(marked(started.mark))
            except BenchmarkError as error:
                self.refused[choice] = str(error)
            else:
                self.readings.setdefault(choice, []).append(figures)


def suggest(options: Options) -> int:
    """Measure, print the table and the suggestion."""
    find_wrk()
    sweep = Sweep(options)
    sweep.run()
    cpus = ",".join(map(str, sweep.cpus))
    print(
        f"{options.script} with {options.sample}\n"
        f"  {options.connections} connections, {options.rounds} rounds of {options.seconds} s, "
        f"servers and load share CPU {cpus}; median (min-max)\n"
    )
    print("\n".join(sweep.table()))
    chosen, why = choose(sweep.outcomes())
    print(f"\nSuggested: {chosen}, since {why}\n")
    print(f"  WORKER_COUNT={chosen.workers} SCORESERVE_MAX_BATCH_SIZE={chosen.batch_size}")
    print(f"\nmachine: {machine.describe()}")
    return 0


def parse(arguments: list[str] | None = None) -> Options:
    """Options from the command line; exits with 2 when they make no sense."""
    parser = argparse.ArgumentParser(
        prog="own_script", description="Find worker count and batch size for an entry script."
    )
    parser.add_argument("script", type=Path, help="the entry script")
    parser.add_argument("sample", type=Path, help="a request body; .json, or any bytes")
    parser.add_argument("--model-dir", type=Path, help="default: the script's directory")
    parser.add_argument(
        "--command",
        type=Path,
        default=os.environ.get("SCORESERVE_COMMAND") or Path(sys.executable).parent / "azmlinfsrv",
        help="the azmlinfsrv of the environment that has what the script imports",
    )
    parser.add_argument("--connections", type=positive, default=64, help="default: 64")
    parser.add_argument("--seconds", type=positive, default=3, help="per reading; default: 3")
    parser.add_argument("--rounds", type=positive, default=3, help="default: 3")
    options = parser.parse_args(arguments)
    for file in (options.script, options.sample):
        if not file.is_file():
            parser.error(f"no such file: {file}")
    return Options(
        script=options.script,
        sample=options.sample,
        model_dir=options.model_dir or options.script.parent,
        command=Path(options.command).absolute(),
        connections=options.connections,
        seconds=options.seconds,
        rounds=options.rounds,
    )


def main() -> int:
    """Run it; the exit status is 0 when there is a suggestion."""
    options = parse()
    return program.run(lambda: suggest(options))


if __name__ == "__main__":
    sys.exit(main())
