"""Completion by the shell: what it is told to run, and what it is answered."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scoreserve.cli import commands

COMMAND = Path(sys.executable).with_name("scoreserve")
SHELLS = ("bash", "zsh", "fish")


def completed(line: str, folder: Path) -> list[str]:
    """What could follow, as a shell asks for it."""
    answers = folder / "answers"
    environ = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answers),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "COMP_TYPE": "9",
    }
    subprocess.run([str(COMMAND)], cwd=folder, env=environ, check=True)
    return answers.read_text().split()


def test_commands_flags_and_files_are_completed(tmp_path: Path) -> None:
    (tmp_path / "score.py").touch()
    assert "bench" in completed("scoreserve be", tmp_path)
    assert completed("scoreserve dev --model-d", tmp_path) == ["--model-dir"]
    assert "score.py" in completed("scoreserve check sc", tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_gets_its_own_code(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        commands.main(["completion", shell])
    assert caught.value.code == 0
    code = capsys.readouterr().out
    assert "scoreserve" in code
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=code, text=True, check=True)  # it is valid there


def test_without_argcomplete_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "argcomplete.shell_integration", None)
    with pytest.raises(SystemExit) as caught:
        commands.main(["completion", "bash"])
    assert caught.value.code == 1
    assert "pip install 'scoreserve[completion]'" in capsys.readouterr().err


def test_without_argcomplete_nothing_is_written_into_the_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    monkeypatch.setenv("_ARGCOMPLETE", "1")
    with pytest.raises(SystemExit):
        commands.main(["serve"])
    output = capsys.readouterr()
    assert output.out == output.err == ""
