"""The journal of a run: every reading is a line of JSON as soon as it is there.

    {"conditions": {...}}                            what all readings hold for: the first line
    {"server": "mosec", "versions": {...}}           what was installed
    {"cell": {...}, "figures": {...}, "at": "..."}   one reading
    {"failed": {...}, "why": "..."}                  what could not be measured

A run that finds a journal goes on where it ended. Readings under other conditions or with other
versions do not belong into the same journal, so that is refused. A line cut short by the end of a
run is dropped.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.load import Figures
from benchmarks.plan import Cell
from scoreserve.bench.failure import BenchmarkError

Versions = dict[str, str]


@dataclass(frozen=True)
class Failure:
    """What could not be measured; `point` None stands for all points of the scenario."""

    scenario: str
    server: str
    point: int | None = None


class Journal:
    """Readings, failures and versions; kept in a file when it has a path."""

    def __init__(self, conditions: dict[str, Any], path: Path | None = None) -> None:
        """Read what the file holds; raises BenchmarkError when its conditions are others."""
        self.conditions = conditions
        self.path = path
        self.readings: dict[Cell, Figures] = {}
        self.failures: dict[Failure, str] = {}
        self.versions: dict[str, Versions] = {}
        if path is not None and path.exists():
            self._read(path)
        else:
            self._write({"conditions": conditions})

    def add(self, cell: Cell, figures: Figures) -> None:
        """One reading; what had failed there before did not fail again."""
        self._found(cell, figures)
        at = datetime.now(timezone.utc).isoformat(timespec="seconds")
        self._write({"cell": asdict(cell), "figures": figures, "at": at})

    def fail(self, failure: Failure, why: str) -> None:
        """Something that could not be measured, and why."""
        self.failures[failure] = why
        self._write({"failed": asdict(failure), "why": why})

    def installed(self, server: str, versions: Versions) -> None:
        """What the server is made of; raises BenchmarkError when it was something else before."""
        known = self.versions.get(server)
        if known == versions:
            return
        if known is not None:
            self._refuse(f"{server} was {known} and is {versions}")
        self.versions[server] = versions
        self._write({"server": server, "versions": versions})

    def as_document(self) -> dict[str, Any]:
        """Everything, for a file of results."""
        return {
            "conditions": self.conditions,
            "versions": self.versions,
            "readings": [
                {**asdict(cell), "figures": figures} for cell, figures in self.readings.items()
            ],
            "failures": [{**asdict(failure), "why": why} for failure, why in self.failures.items()],
        }

    def _read(self, path: Path) -> None:
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # the end of a run cut it short
                continue
            self._take(entry)
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")  # so that the next line does not continue one that was cut short

    def _take(self, entry: dict[str, Any]) -> None:
        if "conditions" in entry and entry["conditions"] != self.conditions:
            self._refuse(f"it holds for {entry['conditions']}, not for {self.conditions}")
        elif "server" in entry:
            self.versions[entry["server"]] = entry["versions"]
        elif "cell" in entry:
            self._found(Cell(**entry["cell"]), entry["figures"])
        elif "failed" in entry:
            self.failures[Failure(**entry["failed"])] = entry["why"]

    def _found(self, cell: Cell, figures: Figures) -> None:
        self.readings[cell] = figures
        for point in (cell.point, None):
            self.failures.pop(Failure(cell.scenario, cell.server, point), None)

    def _refuse(self, why: str) -> None:
        raise BenchmarkError(f"{self.path} is of another run, choose another --out: {why}")

    def _write(self, entry: dict[str, Any]) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())


def from_document(document: dict[str, Any]) -> Journal:
    """The journal that as_document() was made of."""
    journal = Journal(document["conditions"])
    journal.versions = document["versions"]
    for entry in document["readings"]:
        fields = {key: value for key, value in entry.items() if key != "figures"}
        journal.readings[Cell(**fields)] = entry["figures"]
    for entry in document["failures"]:
        fields = {key: value for key, value in entry.items() if key != "why"}
        journal.failures[Failure(**fields)] = entry["why"]
    return journal
