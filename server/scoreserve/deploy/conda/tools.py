"""What only some environments need, and is fetched from the package index when they do."""

from __future__ import annotations

import atexit
import functools
import importlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from scoreserve.errors import DeploymentError

_PATIENCE = ("--retries", "1", "--timeout", "15")  # seconds; behind a wall there is no index


def module(name: str, distribution: str) -> ModuleType:
    """A module, of a package that is installed when it is not there. Raises DeploymentError."""
    if importlib.util.find_spec(name) is None:
        sys.path.append(str(_installed(distribution)))
        importlib.invalidate_caches()
    return importlib.import_module(name)


def program(name: str) -> str:
    """Path of a program, of a package that has its name. Raises DeploymentError."""
    return shutil.which(name) or str(_installed(name) / "bin" / name)


@functools.cache
def _installed(distribution: str) -> Path:
    """The folder that a package has been installed into, until this process ends: in an image it
    would stay for ever.
    """
    folder = Path(tempfile.mkdtemp(prefix="conda-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    print(f"conda: fetching {distribution} from the package index", flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    command += ["--disable-pip-version-check", *_PATIENCE, "--target", str(folder), distribution]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["no reason given"]
        raise DeploymentError(f"{distribution} cannot be fetched: {said[-1]}")
    return folder
