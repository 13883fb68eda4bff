"""The files: where they lie, that lines stay whole, and that they are bounded."""

from __future__ import annotations

import errno
import os
import shutil
from datetime import datetime, timezone
from pathlib import Path

import pytest

from scoreserve.telemetry.model_data.files import CollectedFiles

HOUR = "2026/11/30/18"
NOW = datetime(2026, 11, 30, 18, 59, 59, tzinfo=timezone.utc).timestamp()


def files_in(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def test_each_collection_and_hour_has_a_file(tmp_path: Path) -> None:
    files = CollectedFiles(str(tmp_path / "new"), "host")
    files.append("inputs", b"1\n", NOW)
    files.append("inputs", b"2\n", NOW)
    files.append("outputs", b"3\n", NOW)
    files.append("inputs", b"4\n", NOW + 1)
    assert files_in(tmp_path / "new") == {
        f"inputs/{HOUR}/host.jsonl": "1\n2\n",
        f"outputs/{HOUR}/host.jsonl": "3\n",
        "inputs/2026/11/30/19/host.jsonl": "4\n",
    }


def test_a_full_file_is_followed_by_another_and_the_last_by_none(tmp_path: Path) -> None:
    files = CollectedFiles(str(tmp_path), "host", file_bytes=4, files=2)
    for number in range(4):
        files.append("inputs", b"%d\n" % number, NOW)
    with pytest.raises(OSError, match="more than 2 files of 4 bytes in an hour"):
        files.append("inputs", b"4\n", NOW)
    files.append("inputs", b"5\n", NOW + 1)
    assert files_in(tmp_path) == {
        f"inputs/{HOUR}/host.jsonl": "0\n1\n",
        f"inputs/{HOUR}/host.1.jsonl": "2\n3\n",
        "inputs/2026/11/30/19/host.jsonl": "5\n",
    }


def test_a_line_that_a_writer_left_without_an_end_spoils_no_other(tmp_path: Path) -> None:
    files = CollectedFiles(str(tmp_path), "host")
    files.append("inputs", b"whole\n", NOW)
    path = tmp_path / "inputs" / HOUR / "host.jsonl"
    with path.open("ab") as file:
        file.write(b"bro")
    files.append("inputs", b"next\n", NOW)
    assert path.read_bytes() == b"whole\nbro\nnext\n"


def test_a_disk_that_is_full_leaves_no_part_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = CollectedFiles(str(tmp_path), "host")
    files.append("inputs", b"whole\n", NOW)
    write = os.write

    def nearly_full(descriptor: int, data: bytes) -> int:
        if len(data) < 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:3])

    monkeypatch.setattr(os, "write", nearly_full)
    with pytest.raises(OSError, match="No space left"):
        files.append("inputs", b"next\n", NOW)
    monkeypatch.undo()
    files.append("inputs", b"more\n", NOW)
    assert files_in(tmp_path) == {f"inputs/{HOUR}/host.jsonl": "whole\nmore\n"}


def test_files_may_be_taken_away_at_any_time(tmp_path: Path) -> None:
    files = CollectedFiles(str(tmp_path / "data"), "host")
    for _ in range(2):
        files.append("inputs", b"line\n", NOW)
        assert files_in(tmp_path / "data") == {f"inputs/{HOUR}/host.jsonl": "line\n"}
        shutil.rmtree(tmp_path / "data")
