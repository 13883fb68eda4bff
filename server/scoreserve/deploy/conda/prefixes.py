"""Conda environments on disk: folders that have a name.

    /opt/miniconda             the root, as Azure's tools know it
    /opt/miniconda/envs/NAME   an environment
    ~/.conda/envs/NAME         the same, where the root cannot be written
    base                       the environment that this program runs in, which is the image's own

What is in them is made by pip (a venv) or by conda's packages; `conda-meta` marks both.
"""

from __future__ import annotations

import ast
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from scoreserve.errors import DeploymentError

ROOT = Path("/opt/miniconda")
_BASE = ("base", "root")
_BAD_IN_NAMES = "/ :#"  # as conda has it
_HISTORY = "conda-meta/history"
_SPECS = "# update specs: "
_STATE = "conda-meta/state"  # conda's file of an environment's variables


@dataclass(frozen=True)
class Prefixes:
    """Where environments are. `folders` in the order in which they are looked at."""

    root: Path
    base: Path
    folders: tuple[Path, ...]

    def named(self, name: str) -> Path:
        """The environment of a name. Raises DeploymentError."""
        found = self.find(name)
        if found is None:
            known = ", ".join(sorted(each.name for each in self.all()))
            raise DeploymentError(
                f"EnvironmentNameNotFound: no environment {name!r}; there are base"
                f"{', ' if known else ''}{known}"
            )
        return found

    def find(self, name: str) -> Path | None:
        """The environment of a name, or None."""
        if name in _BASE:
            return self.base
        paths = (folder / check_name(name) for folder in self.folders)
        return next((path for path in paths if is_environment(path)), None)

    def place_for(self, name: str) -> Path:
        """Where an environment of this name would be made. Raises DeploymentError."""
        if name in _BASE:
            return self.base
        for folder in self.folders:
            if _can_be_written(folder):
                return folder / check_name(name)
        raise DeploymentError(
            f"none of {', '.join(map(str, self.folders))} can be written; give a path with --prefix"
        )

    def all(self) -> Iterator[Path]:
        """The environments that have a name, but for base."""
        for folder in self.folders:
            if folder.is_dir():
                yield from sorted(path for path in folder.iterdir() if is_environment(path))

    def name_of(self, path: Path) -> str:
        """What an environment is called; empty where it has a path only."""
        if path == self.base:
            return _BASE[0]
        return path.name if path.parent in self.folders else ""


def here(environ: Mapping[str, str]) -> Prefixes:
    """The environments of this machine, for a user with these variables."""
    given = environ.get("CONDA_ENVS_PATH") or environ.get("CONDA_ENVS_DIRS") or ""
    folders = [Path(each) for each in given.split(os.pathsep) if each]
    folders += [ROOT / "envs", Path(environ.get("HOME") or "/", ".conda", "envs")]
    return Prefixes(ROOT, Path(sys.prefix), tuple(folders))


def check_name(name: str) -> str:
    """The name, which can be one. Raises DeploymentError."""
    if not name or any(each in name for each in _BAD_IN_NAMES) or name in (".", ".."):
        raise DeploymentError(
            f"{name!r} cannot name an environment: no name has one of {_BAD_IN_NAMES!r};"
            " --prefix takes a path"
        )
    return name


def is_environment(path: Path) -> bool:
    """Whether this folder is an environment: conda's or a venv."""
    return (path / "conda-meta").is_dir() or (path / "pyvenv.cfg").is_file()


def mark(path: Path, specs: Sequence[str] = ()) -> None:
    """Makes an environment known to what looks for conda's: by a history, in conda's own form, of
    what was asked for.
    """
    history = path / _HISTORY
    history.parent.mkdir(parents=True, exist_ok=True)
    with history.open("a", encoding="utf-8") as file:
        file.write(f"==> {datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} <==\n")
        file.write(f"{_SPECS}{json.dumps(list(specs))}\n" if specs else "")


def specs_of(path: Path) -> list[str]:
    """The packages of conda's that an environment was last asked to hold."""
    try:
        lines = (path / _HISTORY).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    asked = [line.removeprefix(_SPECS) for line in lines if line.startswith(_SPECS)]
    try:
        return [str(spec) for spec in ast.literal_eval(asked[-1])] if asked else []
    except (ValueError, SyntaxError):
        return []


def remove(path: Path) -> None:
    """Removes an environment, or the name that a link gives to one."""
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path)


def python_of(path: Path) -> Path:
    """An environment's interpreter. Raises DeploymentError."""
    python = path / "bin" / "python"
    if not python.exists():
        raise DeploymentError(f"{path} has no Python: its conda file names none")
    return python


def has_conda_packages(path: Path) -> bool:
    """Whether conda's packages are in an environment, rather than pip's alone."""
    return any((path / "conda-meta").glob("*.json"))


def variables_of(path: Path) -> dict[str, str]:
    """The variables that are set where an environment is active."""
    try:
        state = json.loads((path / _STATE).read_text(encoding="utf-8"))
        return {str(name): str(value) for name, value in state["env_vars"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def set_variables(path: Path, variables: Mapping[str, str]) -> None:
    """Adds to them."""
    if variables:
        both = {**variables_of(path), **variables}
        text = json.dumps({"version": 1, "env_vars": both}, indent=2)
        (path / _STATE).write_text(text + "\n", encoding="utf-8")


def _can_be_written(folder: Path) -> bool:
    """Whether a folder is writable, or can be made."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)
