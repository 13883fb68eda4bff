"""What is fetched only when it is needed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoreserve.deploy.conda import tools
from scoreserve.errors import DeploymentError
from tests.wheels import write_greetings, write_wheel


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of wheels, which is all that pip has."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(sys, "path", [*sys.path])
    tools._installed.cache_clear()
    yield tmp_path
    sys.modules.pop("greetings", None)


def test_a_module_is_fetched_once(index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_greetings(index)
    assert tools.module("greetings", "greetings").greet("you") == "Hello, you!"
    assert tools.module("greetings", "greetings").greet("you") == "Hello, you!"
    assert capsys.readouterr().out == "conda: fetching greetings from the package index\n"


def test_a_module_that_is_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert tools.module("json", "none").loads("1") == 1
    assert capsys.readouterr().out == ""


def test_a_program_is_that_on_path_or_fetched(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_wheel(index, "tool", "1.0", {"tool-1.0.data/scripts/tool": "#!/bin/sh\n"})
    fetched = tools.program("tool")
    assert Path(fetched).read_text() == "#!/bin/sh\n"
    there = index / "bin" / "tool"
    there.parent.mkdir()
    there.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(there.parent))
    assert tools.program("tool") == str(there)


def test_what_cannot_be_fetched_is_told(index: Path) -> None:
    with pytest.raises(DeploymentError, match=r"none cannot be fetched: ERROR: .* found for none"):
        tools.module("no_such_module", "none")
