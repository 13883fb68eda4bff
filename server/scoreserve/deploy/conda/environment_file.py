"""Reads what a conda environment file asks for: conda's packages, pip's, variables.

The rules are conda's (`conda env create --file`), and azureml-core's for its CondaDependencies.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scoreserve.errors import DeploymentError
from scoreserve.near_miss import nearest

_KEYS = ("name", "channels", "dependencies", "prefix", "variables")
_SPEC = re.compile(
    r"(?:(?P<channel>[^\s:\[\]]+)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)"
    r"(?P<extras>\[[A-Za-z0-9_., -]+\])?(?P<version>[\s=<>!~].*)?"
)
_RIGHT_FORM = "an entry is `name=1.2`, or a list: `- pip:` and below it pip's packages"


@dataclass(frozen=True)
class CondaPackage:
    """A package as conda names it. `version` is what follows the name, without blanks around it:
    `=1.2`, `>=1,<2`, `1.2.3 py38_0`. `written` is the whole entry.
    """

    written: str
    name: str
    version: str = ""
    channel: str = ""
    extras: str = ""


@dataclass(frozen=True)
class EnvironmentFile:
    """What a file asks for. `notes` are for its author."""

    name: str = ""
    channels: tuple[str, ...] = ()
    conda: tuple[CondaPackage, ...] = ()
    pip: tuple[str, ...] = ()  # lines of a requirements file
    variables: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def parse(document: Mapping[str, Any], source: str) -> EnvironmentFile:
    """What a conda file's document asks for; `source` names it in messages. Raises
    DeploymentError.
    """
    for key in document:
        if key not in _KEYS:
            near = nearest(str(key), _KEYS)
            meant = f"did you mean {near}?" if near else f"a conda file has {', '.join(_KEYS)}"
            raise DeploymentError(f"{source}: unknown key {key!r}; {meant}")
    channels = _list(document, "channels", source)
    conda: list[CondaPackage] = []
    pip: list[str] = []
    notes: list[str] = []
    for entry in _list(document, "dependencies", source):
        if isinstance(entry, Mapping):
            conda += [_package(each, source) for each in _below(entry, "conda", source)]
            pip += [line for line in map(str, _below(entry, "pip", source)) if not _blank(line)]
            if "conda" in entry:
                notes.append(f"{source}: packages below `conda:` are taken for conda's own")
        else:
            conda.append(_package(entry, source))
    variables = document.get("variables") or {}
    if not isinstance(variables, Mapping):
        raise DeploymentError(f"{source}: variables: must be an object with fields")
    return EnvironmentFile(
        name=str(document.get("name") or ""),
        channels=tuple(map(str, channels)),
        conda=tuple(conda),
        pip=tuple(pip),
        variables={str(name): str(value) for name, value in variables.items()},
        notes=tuple(notes),
    )


def _list(document: Mapping[str, Any], key: str, source: str) -> list[Any]:
    found = document.get(key) or []
    if not isinstance(found, list):
        raise DeploymentError(f"{source}: {key}: must be a list")
    return found


def _below(entry: Mapping[str, Any], key: str, source: str) -> Iterator[Any]:
    """What stands below `pip:` or `conda:`."""
    others = [name for name in entry if name not in ("pip", "conda")]
    if others:
        raise DeploymentError(f"{source}: dependencies: {others[0]}: {_RIGHT_FORM}")
    yield from _list(entry, key, f"{source}: dependencies")


def _blank(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _package(entry: Any, source: str) -> CondaPackage:
    found = _SPEC.fullmatch(entry.strip()) if isinstance(entry, str) else None
    if found is None:
        raise DeploymentError(f"{source}: dependencies: {entry!r}: {_RIGHT_FORM}")
    return CondaPackage(
        written=entry.strip(),
        name=found["name"].lower(),
        version=" ".join((found["version"] or "").split()),
        channel=found["channel"] or "",
        extras=found["extras"] or "",
    )
