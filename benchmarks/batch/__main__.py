"""Runs `scoreserve batch` and a process pool by hand in turn, and prints what each takes.

A pair of runs is as near in time as can be, and of the pairs' ratios the median is printed: what
else the machine does meets both. CPU time is that of all processes, and depends less on it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks import program
from benchmarks.batch.tasks import MODEL_DIR, TASKS, Task
from benchmarks.report import table
from benchmarks.settings import positive
from scoreserve.bench.failure import BenchmarkError

LOOK_SECONDS = 0.02
RESULTS = Path(".parts/results")


class Reading(NamedTuple):
    """Of one run. `steady_seconds` are from its first result to its last, if these can be seen."""

    seconds: float
    cpu_seconds: float
    steady_seconds: float


def options() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser("python -m benchmarks.batch", description=__doc__)
    parser.add_argument("--pairs", type=positive, default=5, help="of runs; default: 5")
    parser.add_argument("--workers", type=positive, default=2, help="processes; default: 2")
    parser.add_argument("--percent", type=positive, default=100, help="of the inputs; default: 100")
    parser.add_argument("--ray", action="store_true", help="on Ray too, started for each run")
    parser.add_argument("--task", nargs="+", choices=TASKS, default=list(TASKS))
    return parser.parse_args()


def run(command: Sequence[str], folder: Path, output: Path) -> Reading:
    """Raises BenchmarkError where it fails."""
    with open(folder / "log", "wb") as log:
        began = time.monotonic()
        first = last = 0.0
        size = 0
        process = subprocess.Popen(command, stdout=log, stderr=log)
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            ended = time.monotonic()
            if pid:
                break
            if (grown := _size_of_results(output)) > size:
                first, last, size = first or ended, ended, grown
            time.sleep(LOOK_SECONDS)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchmarkError((folder / "log").read_text(encoding="utf-8", errors="replace"))
    return Reading(ended - began, usage.ru_utime + usage.ru_stime, last - first)


def _size_of_results(output: Path) -> int:
    try:
        return (output / RESULTS).stat().st_size
    except OSError:  # not yet, or no longer
        return 0


def compare(task: Task, folder: Path, chosen: argparse.Namespace) -> list[str]:
    """The row of a task."""
    inputs, output = folder / task.name, folder / "out"
    task.make(inputs, task.items * chosen.percent // 100)
    workers = str(chosen.workers)
    by_hand = [sys.executable, "-m", "benchmarks.batch.by_hand", task.name, str(inputs)]
    command = [sys.executable, "-m", "scoreserve", "batch", str(task.script)]
    command += ["--model-dir", str(MODEL_DIR), "--input", str(inputs), "--output", str(output)]
    command += ["--workers", workers, *task.flags]
    hand: list[Reading] = []
    ours: list[Reading] = []
    ray: list[Reading] = []
    for pair in range(chosen.pairs):
        runs = [
            ([*by_hand, str(folder / "by_hand"), workers], hand),
            (command, ours),
            *([([*command, "--ray-address", "local"], ray)] if chosen.ray else []),
        ]
        for arguments, readings in runs[:: 1 if pair % 2 else -1]:  # neither is always the first
            readings.append(run(arguments, folder, output))
            shutil.rmtree(output, ignore_errors=True)
    row = [
        f"{task.items * chosen.percent // 100:,} {task.name}",
        f"{median(each.seconds for each in hand):.1f} s",
        f"{median(each.seconds for each in ours):.1f} s",
        _ratios([each.seconds for each in ours], [each.seconds for each in hand]),
        _ratios([each.cpu_seconds for each in ours], [each.cpu_seconds for each in hand]),
    ]
    if ray:
        steady = [each.steady_seconds for each in ray], [each.steady_seconds for each in ours]
        row += [f"{median(each.seconds for each in ray):.1f} s", _ratios(*steady)]
    return row


def _ratios(ours: Sequence[float], theirs: Sequence[float]) -> str:
    found = [our / their for our, their in zip(ours, theirs, strict=True)]
    return f"{median(found):.2f} ({min(found):.2f}-{max(found):.2f})"


def main() -> int:
    """The exit status."""
    chosen = options()
    columns = ["scored", "pool by hand", "scoreserve batch", "time, ratio", "CPU time, ratio"]
    if chosen.ray:
        columns += ["on Ray", "first to last result, ratio"]
    with tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as folder:
        rows = [compare(TASKS[name], Path(folder), chosen) for name in chosen.task]
    print("\n".join(table(columns, rows)), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(program.run(main))
