"""`scoreserve bench`, around real servers for a second each."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scoreserve.bench.processes import marked
from tests.conftest import WriteFile
from tests.servers import DEADLINE_SECONDS, wait_until

COMMAND = Path(sys.executable).with_name("scoreserve")
SCRIPT = "import json\ndef init(): pass\ndef run(data): return json.loads(data)\n"
QUICK = ("--seconds", "1", "--rounds", "1", "--workers", "1", "--batch-sizes", "1")

Bench = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def bench(tmp_path: Path, write_file: WriteFile) -> Bench:
    """Runs the command beside a script and its sample."""

    def bench(*arguments: str, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
        write_file("score.py", script)
        return subprocess.run(
            [str(COMMAND), "bench", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=4 * DEADLINE_SECONDS,
        )

    write_file("sample_request.json", '{"data": [1]}')
    return bench


def test_settings_are_suggested(bench: Bench, write_file: WriteFile) -> None:
    write_file("other.json", "[2]")
    done = bench("score.py", *QUICK, "sample_request.json", "other.json")
    assert done.returncode == 0, done.stderr
    assert "about" in done.stderr  # how long it takes
    assert "score.py with sample_request.json, other.json" in done.stdout
    assert "1 worker, no batching" in done.stdout
    assert "WORKER_COUNT=1 SCORESERVE_MAX_BATCH_SIZE=1" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr  # nothing for a terminal where there is none


def test_a_script_alone_is_enough_where_its_sample_is_beside_it(bench: Bench) -> None:
    """Here with another server to compare with: the reference's command, which is ours too."""
    done = bench(*QUICK, "--command", str(COMMAND.with_name("azmlinfsrv")))
    assert done.returncode == 0, done.stderr
    assert "azmlinfsrv, 1 worker" in done.stdout


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("def init(): pass\ndef run(data): 1 / 0\n", "is answered 500"),
        ("def init(): 1 / 0\ndef run(data): pass\n", "exited with 3"),
    ],
    ids=["run", "init"],
)
def test_a_script_that_fails_is_told_instead_of_figures(
    bench: Bench, script: str, said: str
) -> None:
    done = bench(*QUICK, script=script)
    assert done.returncode == 1
    assert said in done.stderr
    assert "ZeroDivisionError" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["scroe.py", "sample_request.json"], "did you mean score.py?"),
        (["score.py", "nowhere.json"], "no file nowhere.json"),
        (["score.py", "--workers", "many"], "not 'many'"),
        (["score.py", "--rounds", "0"], "not '0'"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_line(
    bench: Bench, arguments: list[str], said: str
) -> None:
    done = bench(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_ctrl_c_leaves_no_server_behind(tmp_path: Path, write_file: WriteFile) -> None:
    write_file("score.py", SCRIPT + "open('started', 'w').close()\n")
    write_file("sample_request.json", "[1]")
    process = subprocess.Popen(
        [str(COMMAND), "bench", "--seconds", "60", "--workers", "1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_until((tmp_path / "started").exists, "a server is started")
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "all servers are stopped" in output
    assert not [pid for pid in _processes_in(tmp_path) if pid != os.getpid()]


def _processes_in(folder: Path) -> list[int]:
    """The processes whose current directory is this."""
    entries = Path("/proc").glob("[0-9]*")
    return [int(entry.name) for entry in entries if _leads_to(entry / "cwd", folder)]


def _leads_to(link: Path, folder: Path) -> bool:
    """False too where the process has ended, or is another user's."""
    with contextlib.suppress(OSError):
        return link.readlink() == folder.resolve()
    return False


def test_marks_of_nobody_are_found_nowhere() -> None:
    assert marked("a mark that no process has") == []
