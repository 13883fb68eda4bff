"""Folders of inputs, and jobs as the command line starts them."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scoreserve.cli import commands

FILES = 6


class Result(NamedTuple):
    """What a job left behind."""

    code: int
    output: Path
    shown: str

    @property
    def lines(self) -> list[str]:
        """Of the output file, sorted: their order is not that of the input."""
        (found,) = self.output.glob("predictions.*")
        return sorted(found.read_text(encoding="utf-8").splitlines())

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.output / "summary.json").read_text("utf-8"))
        return found


RunJob = Callable[..., Result]
RunBatch = Callable[..., Result]


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A folder with FILES files, which hold their numbers."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:02}.txt").write_text(str(number), encoding="utf-8")
    return folder


@pytest.fixture
def run_batch(
    tmp_path: Path, inputs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> RunBatch:
    """Runs the command with these arguments over an input, by default the folder of files, in one
    process, from an empty folder.
    """
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, over: Path = inputs) -> Result:
        output = tmp_path / "out"
        where = ["--input", str(over), "--output", str(output), "--workers", "1"]
        command = ["batch", *where, *arguments]
        with pytest.raises(SystemExit) as ended:
            commands.main(command)
        captured = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Result(ended.value.code, output, captured.out + captured.err)

    return run


@pytest.fixture
def run_job(tmp_path: Path, run_batch: RunBatch, inputs: Path) -> RunJob:
    """Runs a script over an input, by default the folder of files, in one process."""

    def run(script: str, *flags: str, over: Path = inputs) -> Result:
        path = tmp_path / "script.py"
        path.write_text(textwrap.dedent(script), encoding="utf-8")
        return run_batch(str(path), *flags, over=over)

    return run
