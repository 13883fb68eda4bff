"""Models as the command line names them: a path, or NAME:VERSION=PATH."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from scoreserve.deploy.deployment import Model
from scoreserve.errors import DeploymentError

_NAMED = re.compile(r"([^=:/\\]+)(?::(\d+))?=(.+)")
# Azure's own rule for the name of a model; a version is of the same letters in v2.
NAME_RULE = "a model's name and version have letters, digits, `.`, `_` and `-`"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_LONGEST_OF_A_FILE = 30  # characters of the name of a model that nobody registered
_UNREGISTERED, _FIRST = "0", "1"
_ARCHIVES = (".tar.gz", ".tgz")


def models(written: Sequence[str], root: Path) -> tuple[Model, ...]:
    """The models that are named; paths start from `root`. Raises DeploymentError."""
    found = [_model(text, root) for text in written]
    folders = [model.folder for model in found]
    twice = next((model for model in found if folders.count(model.folder) > 1), None)
    if twice is not None:
        raise DeploymentError(
            f"--model {twice.path}: there are two of {twice.name}:{twice.version}; name each, as"
            " NAME:VERSION=PATH"
        )
    return tuple(found)


def with_absolute_path(written: str, root: Path) -> str:
    """The same model, from whatever folder it is read; its path starts from `root`."""
    named = _named(written, root)
    name = written[: named.start(3)] if named else ""
    return f"{name}{_path(written, named, root)}"


def is_name(text: str) -> bool:
    """Whether it can be the name or the version of a model: each becomes a folder."""
    return _NAME.fullmatch(text) is not None


def _model(written: str, root: Path) -> Model:
    named = _named(written, root)
    path = _path(written, named, root)
    if not path.exists():
        raise DeploymentError(f"--model {written}: no such file or folder: {path}")
    path = path.resolve()
    packed = path.is_file() and path.name.lower().endswith(_ARCHIVES)
    if named is None:
        return Model(_name_of(path, packed)[:_LONGEST_OF_A_FILE], _UNREGISTERED, path, packed)
    if not is_name(named[1]):
        raise DeploymentError(f"--model {written}: {NAME_RULE}")
    return Model(named[1], named[2] or _FIRST, path, packed)


def _named(written: str, root: Path) -> re.Match[str] | None:
    """The parts of NAME:VERSION=PATH; None for a path alone."""
    return None if (root / written).exists() else _NAMED.fullmatch(written)


def _path(written: str, named: re.Match[str] | None, root: Path) -> Path:
    return (root / Path(named[3] if named else written).expanduser()).absolute()


def _name_of(path: Path, packed: bool) -> str:
    """As azureml-core names a model that nobody registered: by its file."""
    if not packed:
        return path.name
    return path.name[: -len(next(end for end in _ARCHIVES if path.name.lower().endswith(end)))]
