"""Memory does not grow with the number of inputs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.batch

LINES = 1_000_000
MOST_MORE_KB = 8_000
LINE = b'{"data": [[0.25, 0.5, 0.75]], "note": "as long as a small request is"}\n'


def largest_kb(folder: Path, lines: int) -> int:
    """What the largest process of a job over so many lines has needed."""
    folder.mkdir()
    (folder / "score.py").write_text("def init(): ...\ndef run(raw_data): return raw_data")
    with open(folder / "requests.jsonl", "wb") as file:
        file.writelines(LINE for _ in range(lines))
    command = [sys.executable, "-m", "scoreserve", "batch", "--input", "requests.jsonl"]
    job = subprocess.Popen([*command, "--output", "out", "--workers", "1"], cwd=folder)
    _, status, usage = os.wait4(job.pid, 0)
    job.returncode = os.waitstatus_to_exitcode(status)
    assert job.returncode == 0
    with open(folder / "out/predictions.jsonl", "rb") as results:
        assert sum(1 for _ in results) == lines
    return usage.ru_maxrss


def test_a_million_lines_need_what_a_few_do(tmp_path: Path) -> None:
    few = largest_kb(tmp_path / "few", LINES // 20)
    assert largest_kb(tmp_path / "many", LINES) < few + MOST_MORE_KB
