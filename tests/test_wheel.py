"""Building the wheel: what becomes of it where it is not, or cannot be, compiled.

That it is compiled elsewhere, and works, is what `make test-compiled` shows.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import scoreserve

ROOT = Path(__file__).resolve().parent.parent
HOOK = ROOT / "server" / "hatch_build.py"
NO_COMPILER = {"CC": "false"}

pytestmark = pytest.mark.skipif(not HOOK.exists(), reason="needs the checkout")


def build(directory: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Builds the wheel into `directory`, with the tools of this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def names_in(directory: Path) -> set[str]:
    """What the one wheel in `directory` holds, which is for any platform."""
    (wheel,) = directory.iterdir()
    assert wheel.name == f"scoreserve-{scoreserve.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_pure_python_on_demand(tmp_path: Path) -> None:
    done = build(tmp_path, SCORESERVE_COMPILE="no")
    assert done.returncode == 0, done.stderr
    names = names_in(tmp_path)
    assert {"scoreserve/wire.py", "scoreserve/front/queue/dispatcher.py"} <= names
    assert not [name for name in names if name.endswith(".so")]


def test_pure_python_where_there_is_no_compiler(tmp_path: Path) -> None:
    done = build(tmp_path, **NO_COMPILER)
    assert done.returncode == 0, done.stderr
    assert "scoreserve is not compiled" in done.stdout + done.stderr
    assert "scoreserve/wire.py" in names_in(tmp_path)


def test_none_where_it_must_be_compiled_and_cannot(tmp_path: Path) -> None:
    done = build(tmp_path, SCORESERVE_COMPILE="yes", **NO_COMPILER)
    assert done.returncode != 0
    assert not list(tmp_path.iterdir())


def test_a_value_that_means_nothing_is_refused(tmp_path: Path) -> None:
    done = build(tmp_path, SCORESERVE_COMPILE="maybe")
    assert done.returncode != 0
    assert "SCORESERVE_COMPILE is 'maybe'" in done.stderr
