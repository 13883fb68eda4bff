"""The hint that a model's file could be mapped: only where that would help."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoreserve.check import shared_memory
from scoreserve.settings import MEBIBYTE, Settings
from tests.conftest import WriteFile

LOADS = "import joblib\n\ndef init():\n    joblib.load('model/model.joblib')\n"
PICKLE, GZIP = b"\x80\x04", b"\x1f\x8b"


def hints(tmp_path: Path, write_file: WriteFile, script: str, start: bytes, size: int) -> list[str]:
    write_file("score.py", script)
    model = tmp_path / "model" / "1" / "model.joblib"
    model.parent.mkdir(parents=True)
    with model.open("wb") as file:
        file.write(start)
        file.truncate(size)  # which takes no room on the disk
    settings = Settings(
        entry_script="score.py", app_root=str(tmp_path), model_dir=str(tmp_path / "model")
    )
    found = list(shared_memory.findings(settings))
    assert all(each.level.value == "ok" for each in found)
    return [f"{each.text} {Path(each.where).name}" for each in found]


def test_names_the_file_and_the_line(tmp_path: Path, write_file: WriteFile) -> None:
    found = hints(tmp_path, write_file, LOADS, PICKLE, 200 * MEBIBYTE)
    assert found == ["each worker reads model.joblib, 200 MiB score.py, line 4"]


@pytest.mark.parametrize(
    ("script", "start", "mebibytes"),
    [
        (LOADS.replace("lib'", "lib', mmap_mode='r'"), PICKLE, 200),
        (LOADS, GZIP, 200),
        (LOADS, PICKLE, 50),
        ("def init(): open('model/model.joblib')\n", PICKLE, 200),
        ("def init( this is no Python", PICKLE, 200),
    ],
    ids=["mapped already", "compressed", "small", "read otherwise", "broken"],
)
def test_is_not_given_where_it_would_not_help(
    tmp_path: Path, write_file: WriteFile, script: str, start: bytes, mebibytes: int
) -> None:
    assert hints(tmp_path, write_file, script, start, mebibytes * MEBIBYTE) == []
