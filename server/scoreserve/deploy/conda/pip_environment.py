"""Environments that pip fills: a venv, and in it what stands for conda's packages on PyPI."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from scoreserve.deploy.conda import prefixes
from scoreserve.errors import DeploymentError

# In our images: what the server needs, for the image's own Python, and the server for any Python.
WHEELS = Path("/opt/scoreserve/wheels")
_SERVER = Path("/opt/scoreserve/dist")
_OTHER_FILE = re.compile(
    r"(?P<option>-r|-c|--requirement|--constraint)(?:\s+|=)?(?P<path>[^\s-].*)"
)


def create(prefix: Path, python: str) -> None:
    """Makes a new environment with this interpreter, and pip. Raises DeploymentError."""
    pips = sorted(WHEELS.glob("pip-*.whl"))
    command = [python, "-m", "venv", *(("--without-pip",) if pips else ()), str(prefix)]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise DeploymentError(f"{prefix} could not be made: {said}")
    if pips:  # Debian's Python has none of its own to give
        _pip(prefix, prefix, "install", "--quiet", "--no-index", str(pips[-1]))
    prefixes.mark(prefix)


def install(prefix: Path, lines: Sequence[str], directory: Path, *options: str) -> None:
    """Installs the lines of a requirements file, in which paths start from `directory`. What pip
    prints goes to stdout. Raises DeploymentError.
    """
    if not lines:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.writelines(f"{absolute(line, directory)}\n" for line in lines)
        file.flush()
        _pip(prefix, directory, "install", "--requirement", file.name, *options)


def absolute(line: str, directory: Path) -> str:
    """A line of a requirements file, wherever that file is: pip looks for other requirements files
    beside it, and for all else in the working directory.
    """
    found = _OTHER_FILE.fullmatch(line.strip())
    if found is None or "://" in found["path"]:
        return line.strip()
    return f"{found['option']} {directory / found['path']}"


def add_server(prefix: Path) -> None:
    """Installs the server of the image, and what it needs from the package index. Raises
    DeploymentError.
    """
    wheels = sorted(_SERVER.glob("scoreserve-*.whl"))
    if not wheels:
        raise DeploymentError(f"{_SERVER} has no wheel of the server")
    _pip(prefix, prefix, "install", "--quiet", str(wheels[-1]))


def uninstall(prefix: Path, names: Sequence[str]) -> None:
    """Removes packages. Raises DeploymentError."""
    _pip(prefix, prefix, "uninstall", "--yes", *names)


def _pip(prefix: Path, directory: Path, *arguments: str) -> None:
    python = str(prefixes.python_of(prefix))
    own = (prefix / "bin" / "pip").exists()
    pip = [python, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", python]
    sys.stdout.flush()
    done = subprocess.run(
        [*pip, "--disable-pip-version-check", "--no-input", "--no-cache-dir", *arguments],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise DeploymentError(f"pip failed in {prefix}; its last lines say why")
