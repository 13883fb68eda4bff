"""What a command line of conda's asks for: an environment, and packages for it."""

from __future__ import annotations

import os
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from scoreserve.deploy.conda import prefixes
from scoreserve.deploy.conda.environment_file import EnvironmentFile, parse
from scoreserve.deploy.conda.environments import Request
from scoreserve.deploy.files.documents import read
from scoreserve.errors import DeploymentError

# Packages that are conda itself.
_NOTHING_TO_DO = frozenset({"conda", "conda-build", "conda-libmamba-solver", "anaconda", "mamba"})


def request_of_file(given: Namespace) -> Request:
    """What the file of `conda env` asks for. Raises DeploymentError."""
    path = Path(given.file)
    document = read(path)
    return _request(given, parse(document, path.name), path.name, path.resolve().parent)


def request_of_words(given: Namespace, source: str) -> Request:
    """What the packages on the command line and in its files ask for; `source` is what messages
    call them. Raises DeploymentError.
    """
    lines = [line for path in given.file or () for line in _lines(Path(path))]
    entries = [each for each in (*given.packages, *lines) if each not in _NOTHING_TO_DO]
    file = parse({"dependencies": entries}, source)
    return _request(given, file, source, Path.cwd())


def _lines(path: Path) -> list[str]:
    """The packages that a text file of `conda install --file` names."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DeploymentError(f"{path}: {error.strerror}") from None
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] not in "#@"]


def _request(given: Namespace, file: EnvironmentFile, source: str, directory: Path) -> Request:
    named = tuple(given.channel or ())
    channels = named if given.override_channels else (*named, *file.channels)
    return Request(
        file=replace(file, channels=channels),
        source=source,
        directory=directory,
        solver=given.solver,
        strict=given.strict,
    )


def new_prefix(given: Namespace, known: prefixes.Prefixes, name_in_file: str = "") -> Path:
    """Where a new environment goes; one that is there is removed, with --yes or --force. Raises
    DeploymentError.
    """
    name = given.name or name_in_file
    if given.prefix:
        prefix = Path(given.prefix).absolute()
    elif name:
        prefix = known.find(name) or known.place_for(name)
    else:
        raise DeploymentError("the environment has no name: give --name or --prefix")
    if not prefixes.is_environment(prefix):
        if prefix.exists() and (not prefix.is_dir() or any(prefix.iterdir())):
            raise DeploymentError(f"{prefix}: is there already, and is no environment")
        return prefix
    if not given.force:
        raise DeploymentError(
            f"prefix already exists: {prefix}; `conda env update` adds to it, --yes makes it anew"
        )
    refuse_base(prefix, known, "made anew")
    prefixes.remove(prefix)
    return prefix


def given_prefix(given: Namespace, known: prefixes.Prefixes, name: str | None = None) -> Path:
    """The environment that is meant: the one named, else the active one. Raises
    DeploymentError.
    """
    if given.prefix:
        return place(str(Path(given.prefix).absolute()), known)
    name = name or given.name
    return place(name, known) if name else active(known)


def place(name_or_path: str, known: prefixes.Prefixes) -> Path:
    """The environment of a name or a path. Raises DeploymentError."""
    if "/" not in name_or_path:
        return known.named(name_or_path)
    path = Path(name_or_path)
    if path == known.root:
        return known.base
    if not prefixes.is_environment(path):
        raise DeploymentError(f"EnvironmentLocationNotFound: {path} is no environment")
    return path


def active(known: prefixes.Prefixes) -> Path:
    """The active environment, or base."""
    return Path(os.environ.get("CONDA_PREFIX") or known.base)


def refuse_base(prefix: Path, known: prefixes.Prefixes, what: str) -> None:
    """Raises DeploymentError for the environment that the server itself runs in."""
    if prefix == known.base:
        raise DeploymentError(f"{prefix}: the server's own environment cannot be {what}")
