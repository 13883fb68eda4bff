"""Where the clients are: in environments of their own, under that of these tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = Path(__file__).with_name("clients")
ROOT = PROGRAMS.parents[2]
SECONDS = 120

Client = Callable[..., Any]


def python_of(environment: str) -> Path:
    """The Python of one of the clients' environments."""
    python = Path(sys.prefix) / environment / "bin" / "python"
    if not python.exists():
        pytest.skip(f"there is no {python}: run `make test-protocols`")
    return python


def run(environment: str, *command: str | Path, cwd: Path = ROOT) -> str:
    """What a program of an environment prints."""
    done = subprocess.run(
        [python_of(environment), *command],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        cwd=cwd,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def ask() -> Client:
    """Runs one of the programs: `ask(environment, program, arguments...)` gives what it prints."""

    def ask(environment: str, program: str, *arguments: object) -> Any:
        printed = run(environment, PROGRAMS / f"{program}.py", *map(str, arguments))
        return json.loads(printed.splitlines()[-1])

    return ask
