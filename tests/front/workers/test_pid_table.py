"""The arbiter ends the workers that a front leaves behind."""

from __future__ import annotations

import signal
import subprocess
import sys

from scoreserve.front.workers.pid_table import WorkerPids


def start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", "import time; time.sleep(1000)"]
    return subprocess.Popen(command, start_new_session=True)


def test_those_that_were_written_last_are_ended() -> None:
    worker_pids = WorkerPids()
    with start() as first, start() as second:
        worker_pids.write([first.pid, second.pid])
        worker_pids.write([second.pid])
        worker_pids.end_all()
        assert second.wait(30) == -signal.SIGKILL
        assert first.poll() is None
        first.kill()
        first.wait()
        worker_pids.end_all()  # they are gone: nothing happens


def test_without_any_nothing_is_ended() -> None:
    WorkerPids().end_all()


def test_more_than_a_page_holds_are_cut_off() -> None:
    WorkerPids().write(range(1 << 22, (1 << 22) + 10_000))
