"""A job that dies and goes on: every input is in the output once, and what is done stays done."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

FILES = 40
DEADLINE_SECONDS = 60
SCRIPT = """
import os, time
def run(mini_batch):
    with open({seen!r}, "a") as seen:
        seen.writelines(path + "\\n" for path in mini_batch)
    time.sleep(0.02)
    return [os.path.basename(path) for path in mini_batch]
"""


class Driver:
    """`scoreserve batch` in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder / "out"
        self.seen = folder / "seen"
        self.seen.touch()
        (folder / "data").mkdir()
        for number in range(FILES):
            (folder / "data" / f"{number:03}").touch()
        script = folder / "script.py"
        script.write_text(textwrap.dedent(SCRIPT.format(seen=str(self.seen))), encoding="utf-8")

    def start(self, *flags: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "scoreserve", "batch", "script.py"]
        where = ["--input", "data", "--output", "out", "--workers", "2", "--mini-batch-size", "1"]
        return subprocess.Popen(
            [*command, *where, *flags], cwd=self.folder, stderr=subprocess.DEVNULL
        )

    def wait_for(self, files: int) -> None:
        """Until so many have been scored."""
        until = time.monotonic() + DEADLINE_SECONDS
        while len(self.scored()) < files:
            assert time.monotonic() < until
            time.sleep(0.01)

    def scored(self) -> list[str]:
        return self.seen.read_text(encoding="utf-8").splitlines()

    def results(self) -> list[str]:
        return sorted((self.output / "predictions.csv").read_text("utf-8").splitlines())


ALL = [f"{number:03}" for number in range(FILES)]


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(tmp_path)


def children_of(pid: int) -> Iterator[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return map(int, text.split())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_driver_that_is_ended_goes_on(number: signal.Signals, driver: Driver) -> None:
    first = driver.start()
    driver.wait_for(10)
    workers = list(children_of(first.pid))
    first.send_signal(number)
    assert first.wait(DEADLINE_SECONDS) != 0
    for worker in workers:  # none outlives it
        wait_until_gone(worker)
    before = len(driver.scored())
    assert not (driver.output / "predictions.csv").exists()
    assert driver.start("--resume").wait(DEADLINE_SECONDS) == 0
    assert driver.results() == ALL
    in_hand = 2 * 2  # two for each of two processes
    assert len(driver.scored()) - before <= FILES - before + in_hand


def test_a_job_that_is_done_is_not_done_again(driver: Driver) -> None:
    assert driver.start().wait(DEADLINE_SECONDS) == 0
    scored = driver.scored()
    assert driver.start("--resume").wait(DEADLINE_SECONDS) == 0
    assert driver.start().wait(DEADLINE_SECONDS) == 2
    assert driver.scored() == scored
    assert driver.results() == ALL


def test_processes_that_are_killed_lose_nothing(driver: Driver) -> None:
    job = driver.start()
    chosen = random.Random(0)
    for files in range(5, FILES, 5):
        driver.wait_for(files)
        workers = list(children_of(job.pid))
        if workers:
            os.kill(chosen.choice(workers), signal.SIGKILL)
    assert job.wait(DEADLINE_SECONDS) == 0
    assert driver.results() == ALL


def wait_until_gone(pid: int) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    while Path(f"/proc/{pid}").exists():
        if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text(encoding="utf-8"):
            return
        assert time.monotonic() < until
        time.sleep(0.01)
