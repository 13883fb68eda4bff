"""Carries out a plan, scenario by scenario, and writes what it finds into the journal.

    round of a scenario ─► start its servers ─► same reply from all? ─► warm up ─► A B C, A B C, ...
      ▲                                                                                  │
      └────────────────────────────────── stop ◄─────────────────────────────────────────┘

Servers of a scenario run at the same time and take turns, so that within a round they meet the same
conditions; an idle one costs the others next to nothing. What the journal holds already is left
out, so a run that was interrupted goes on. A server that cannot be installed, started or loaded is
noted with the reason and the others go on.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from benchmarks import environments, machine, procedures
from benchmarks.cpus import Cpus
from benchmarks.journal import Failure, Journal
from benchmarks.load import Figures, closed_load
from benchmarks.plan import Cell, Plan
from benchmarks.procedures import IN_PROCESS, Bench
from benchmarks.processes import Running, ask, launch_of, pinned, running, wait_idle
from benchmarks.progress import Progress
from benchmarks.scenarios import BODY, CLOSED, OPEN, SCENARIOS, Scenario
from benchmarks.servers import Server, known_servers
from scoreserve.bench.failure import BenchmarkError

WARM_UP_SECONDS = 1  # per server, not counted
WARM_UP_CONNECTIONS = 16
PAUSE_SECONDS = 0.2  # after each load, for the server to drop what the load left behind


class TimeIsUp(Exception):
    """The run has had the time it was given; what is missing is for the next one."""


class Campaign:
    """One run of a plan."""

    def __init__(
        self,
        plan: Plan,
        journal: Journal,
        cpus: Cpus,
        servers: dict[str, Server] | None = None,
    ) -> None:
        """`servers` by the names in the plan."""
        self.plan = plan
        self.journal = journal
        self.cpus = cpus
        self.servers = servers or known_servers()
        self.progress = Progress(sys.stderr)
        self.failed: set[Failure] = set()
        self.strict = False
        self.deadline = float("inf")

    def run(self, *, strict: bool = False, seconds: float = float("inf")) -> bool:
        """Measure what is missing; False when `seconds` were over before all was.

        With `strict`, whatever fails ends it with a BenchmarkError.
        """
        self.strict = strict
        self.deadline = time.monotonic() + seconds
        scenarios = [SCENARIOS[name]() for name in self.plan.scenarios]
        if any(each.model_dir == environments.MODELS for each in scenarios):
            environments.ensure_models()
        installed = self._install()
        with tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as directory:
            bench = Bench(self.cpus, Path(directory), self.plan.seconds, self.plan.workers)
            todo = {each.name: self._missing(each, installed) for each in scenarios}
            self.progress.begin(sum(map(len, todo.values())))
            try:
                with pinned(self.cpus.load):
                    for scenario in scenarios:
                        self._scenario(bench, scenario, todo[scenario.name])
            except TimeIsUp:
                return False
            finally:
                self.progress.end()
        return True

    def _install(self) -> set[str]:
        """The servers that are there, one installed after the other."""
        installed = set()
        for name in self.plan.servers:
            server = self.servers[name]
            try:
                server.require()
                self.journal.installed(name, machine.server_versions(server))
            except BenchmarkError as error:
                for scenario in self.plan.scenarios:
                    self._fail(Failure(scenario, name), error)
            else:
                installed.add(name)
        return installed

    def _missing(self, scenario: Scenario, installed: set[str]) -> list[Cell]:
        """The cells still to be measured, of servers that take part."""
        cells = self.plan.cells(scenario)
        if scenario.procedure == BODY:
            cells += [
                Cell(scenario.name, IN_PROCESS, 0, number + 1) for number in range(self.plan.rounds)
            ]
        missing = []
        for cell in cells:
            if cell in self.journal.readings:
                continue
            if cell.server == IN_PROCESS:
                missing.append(cell)
            elif cell.server in installed:
                why = self.servers[cell.server].why_not(scenario)
                if why is None:
                    missing.append(cell)
                else:
                    self.journal.failures[Failure(scenario.name, cell.server)] = why
        return missing

    def _scenario(self, bench: Bench, scenario: Scenario, cells: list[Cell]) -> None:
        if scenario.procedure in procedures.TOGETHER:
            # Anew for each round: how the memory of a process happens to lie stays with it.
            for _, readings in groupby(cells, attrgetter("round")):
                with ExitStack() as stack:
                    self._together(bench, scenario, list(readings), stack)
        else:
            self._alone(bench, scenario, cells)

    def _together(
        self, bench: Bench, scenario: Scenario, cells: list[Cell], stack: ExitStack
    ) -> None:
        """All servers at once, in turn."""
        measure = procedures.TOGETHER[scenario.procedure]
        started = self._start_all(bench, scenario, cells, stack)

        def read(cell: Cell) -> Figures:
            figures = measure(bench, started[cell.server], cell.point)
            time.sleep(PAUSE_SECONDS)
            wait_idle(started[cell.server])
            return figures

        for cell in cells:
            if cell.server in started:
                self._read(cell, read)
            else:
                self.progress.step(cell)

    def _start_all(
        self, bench: Bench, scenario: Scenario, cells: list[Cell], stack: ExitStack
    ) -> dict[str, Running]:
        """Those of the servers that start, answer as the others do, and bear a second of load."""
        started: dict[str, Running] = {}
        expected: object = None
        for name in dict.fromkeys(cell.server for cell in cells):
            if Failure(scenario.name, name) in self.failed:
                continue
            self._check_time()
            self.progress.say(f"{scenario.name}: starting {name}")
            log = bench.scratch / f"{scenario.name}-{name}.log"
            launch = launch_of(scenario, bench.workers)
            try:
                server = stack.enter_context(
                    running(self.servers[name], launch, self.cpus.servers, log)
                )
                reply = ask(server)
                if started and reply != expected:
                    raise BenchmarkError(f"{name} replies {reply}, the others {expected}")
                if scenario.procedure in {CLOSED, OPEN}:
                    closed_load(server, WARM_UP_CONNECTIONS, WARM_UP_SECONDS)
            except BenchmarkError as error:
                self._fail(Failure(scenario.name, name), error)
            else:
                started[name] = server
                expected = reply
        return started

    def _alone(self, bench: Bench, scenario: Scenario, cells: list[Cell]) -> None:
        """A server for each reading."""
        measure = procedures.ALONE[scenario.procedure]

        def read(cell: Cell) -> Figures:
            if cell.server == IN_PROCESS:
                return procedures.body_in_process(bench, scenario)
            server: Server = self.servers[cell.server]
            return measure(bench, scenario, server, cell.point)

        for cell in cells:
            self._read(cell, read)

    def _read(self, cell: Cell, read: Callable[[Cell], Figures]) -> None:
        """One reading, unless that point has failed for the server in this run."""
        failure = Failure(cell.scenario, cell.server, cell.point)
        self._check_time()
        self.progress.step(cell)
        if failure in self.failed:
            return
        try:
            self.journal.add(cell, read(cell))
        except BenchmarkError as error:
            self._fail(failure, error)

    def _fail(self, failure: Failure, error: BenchmarkError) -> None:
        if self.strict:
            raise error
        self.failed.add(failure)
        self.journal.fail(failure, str(error))
        self.progress.say(f"{failure.scenario}: {failure.server} failed: {error}")

    def _check_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise TimeIsUp
