"""What would not survive a fork, as /proc shows it of this process and of made-up ones."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from scoreserve.worker.template import obstacles
from scoreserve.worker.template.obstacles import OpenFile

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")

MakeProcess = Callable[..., Path]


@pytest.fixture
def process(tmp_path: Path) -> MakeProcess:
    """A process as /proc would show it: with these files, threads by name, and children."""

    def make(
        files: tuple[str, ...] = (), threads: tuple[str, ...] = (), children: str = ""
    ) -> Path:
        main = threading.main_thread().native_id or 0
        (tmp_path / "fd").mkdir()
        for number, target in enumerate(files):
            (tmp_path / "fd" / str(900 + number)).symlink_to(target)
        for number, name in [(main, "python"), *enumerate(threads, 1)]:
            task = tmp_path / "task" / str(number)
            task.mkdir(parents=True)
            (task / "comm").write_text(name)
            (task / "children").write_text(children if number == main else "")
        (tmp_path / "comm").write_text("python")
        return tmp_path

    return make


def texts(process: Path, before: tuple[OpenFile, ...] = ()) -> str:
    return "; ".join(each.text for each in obstacles.obstacles(before, process))


def test_of_a_process_that_has_done_nothing_are_none(process: MakeProcess) -> None:
    assert texts(process(files=("/dev/null", "pipe:[7]", "/srv/model.bin"))) == ""


def test_a_gpu_that_was_used_forbids_a_fork(process: MakeProcess) -> None:
    (obstacle,) = obstacles.obstacles((), process(files=("/dev/nvidia0", "/dev/nvidiactl")))
    assert obstacle.forbids
    assert "CUDA does not work in a forked process" in obstacle.text


def test_threads_are_told_by_name(process: MakeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obstacles, "_LOOK_SECONDS", 0)
    told = texts(process(threads=("python", "python", "jemalloc_bg_thd")))
    assert "(2 x a library's, 1 x jemalloc_bg_thd)" in told


def test_a_thread_of_pythons_has_its_own_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(obstacles, "_LOOK_SECONDS", 0)
    ending = threading.Event()
    thread = threading.Thread(target=ending.wait, name="the collector")
    thread.start()
    try:
        assert "1 x the collector" in texts(Path("/proc/self"))
    finally:
        ending.set()
        thread.join()


def test_threads_that_are_about_to_end_are_waited_for(process: MakeProcess) -> None:
    of_a_pool = threading.Timer(0.1, lambda: None)
    of_a_pool.start()
    assert "Timer" not in texts(Path("/proc/self"))


def test_connections_and_event_loops_are_counted(process: MakeProcess) -> None:
    made = process(files=("socket:[1]", "socket:[2]", "anon_inode:[eventpoll]"))
    assert "opened 1 event loop(s) and 2 socket(s)" in texts(made)


def test_what_was_open_before_the_script_is_ours(process: MakeProcess) -> None:
    assert texts(process(files=("socket:[1]",)), (OpenFile(900, "socket:[1]"),)) == ""


def test_of_this_process_its_own_are_seen(tmp_path: Path) -> None:
    before = obstacles.open_files()
    database = sqlite3.connect(tmp_path / "mine.db")
    database.execute("create table t (a)")
    database.commit()
    child = subprocess.Popen(["sleep", "60"])
    with socket.socket():
        found = [each.text for each in obstacles.obstacles(before)]
    child.kill()
    child.wait()
    database.close()
    told = "; ".join(found)
    assert "opened 1 socket(s)" in told
    assert f"the SQLite database {tmp_path / 'mine.db'}" in told
    if os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        assert "started 1 process(es) (" in told
