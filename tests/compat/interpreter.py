"""Runs a script in an interpreter of its own, whose names lead where a worker's do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from scoreserve.compat import finder
finder.install()
"""
_DEADLINE_SECONDS = 60  # far beyond what a slow and busy machine needs


def run_script(script: str, *directories: Path) -> str:
    """What the script prints. The directories stand before the installed packages.

    Warnings are errors, as they are here.
    """
    path = [*map(str, directories), *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-B", "-c", _PROGRAM + script],
        env=environ,
        capture_output=True,
        encoding="utf-8",
        timeout=_DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
