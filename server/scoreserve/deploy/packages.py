"""How the packages of an environment come into its image: by pip, or by conda."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scoreserve.deploy.conda import pythons
from scoreserve.deploy.conda.environment_file import parse
from scoreserve.deploy.conda.pip_requirements import pip_requirements
from scoreserve.deploy.deployment import CondaFile
from scoreserve.deploy.text_files import read_text
from scoreserve.errors import DeploymentError

REQUIREMENTS, CONDA = "requirements.txt", "conda.yml"  # files of the build context

_NOT_IN_AN_IMAGE = ("name", "prefix", "variables")  # of a conda file: the Dockerfile has them

_WITH_FILE = re.compile(
    r"(-r|-c|--requirement|--constraint|-f|--find-links|-e|--editable)[\s=]+(.+)"
)
_EDITABLE = ("-e", "--editable")
_NESTED = ("-r", "-c", "--requirement", "--constraint")
_ELSEWHERE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|git\+")
_ARCHIVE = re.compile(r"\.(whl|zip|tar\.gz|tgz|tar\.bz2)$", re.IGNORECASE)
_EXTRAS = re.compile(r"\[[^]]*\]$")  # of ./package[extra]
_COMMENT = re.compile(r"(^|\s+)#.*$")


@dataclass(frozen=True)
class Packages:
    """What is installed. `source` names the file that asks for it; `lines` are pip's, `document` is
    conda's, where conda is to install them; `files` are those of this machine that either names, by
    their paths in the folder of the build context.
    """

    source: str
    channels: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    document: Mapping[str, object] | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    python: str = ""  # the version that is asked for, as `3.11`, and that pip does not choose
    strict: bool = False  # conda is to refuse what would be another Python
    solver: str = "auto"  # of the image's conda


def packages(
    asked: CondaFile, solver: str = "auto", *, strict: bool = False, image_python: str = ""
) -> Packages:
    """How to install what a conda file asks for, by the solver `conda`, `pip`, or `auto`: pip where
    it can. `strict` refuses what would be another Python than the file names; `image_python` is
    that of the image, as `3.13`, where it is known. Raises DeploymentError.
    """
    file = parse(asked.document, asked.source)
    by_pip = pip_requirements(file, asked.source)
    if solver == "pip" and by_pip.conda_only:
        raise DeploymentError(
            f"{asked.source}: {', '.join(by_pip.conda_only)}: not on PyPI, needs --solver conda"
        )
    files = dict(_files(file.pip, asked, asked.directory))
    other_python = _is_other_that_serves(by_pip.python, image_python)
    if solver == "conda" or (solver == "auto" and (by_pip.conda_only or other_python)):
        notes = [*file.notes]
        if by_pip.conda_only:
            told = ", ".join(by_pip.conda_only)
            notes.append(f"{asked.source}: conda installs all of it, for {told}")
        elif other_python:
            told = f"python={by_pip.python}: an environment of its own, since the image"
            notes.append(f"{asked.source}: {told} has Python {image_python}")
        return Packages(
            asked.source,
            channels=file.channels,
            document=asked.document,
            files=files,
            variables=file.variables,
            notes=tuple(notes),
            python=by_pip.python,
            strict=strict,
            solver=solver,
        )
    return Packages(
        asked.source,
        channels=file.channels,
        lines=by_pip.lines,
        files=files,
        variables=file.variables,
        notes=(
            *(*file.notes, *by_pip.notes),
            *_python_note(by_pip.python, image_python, asked.source, strict),
        ),
        python="" if by_pip.python == image_python else by_pip.python,
    )


def lay_out(folder: Path, its: Packages) -> None:
    """Writes what the Dockerfile copies to install the packages. Raises DeploymentError."""
    folder.mkdir(parents=True, exist_ok=True)
    if its.document is None:
        text = "".join(f"{line}\n" for line in its.lines)
        (folder / REQUIREMENTS).write_text(text, encoding="utf-8")
    else:
        import yaml  # late: who has no YAML has no use for it

        kept = {key: its.document[key] for key in its.document if key not in _NOT_IN_AN_IMAGE}
        text = yaml.safe_dump(kept, sort_keys=False)
        (folder / CONDA).write_text(text, encoding="utf-8")
    for name, source in its.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copy2(source, target)
        except (OSError, shutil.Error) as error:
            raise DeploymentError(f"{source}: cannot be copied: {error}") from None


def _is_other_that_serves(asked: str, image_python: str) -> bool:
    """Whether a Python is asked for that is not the image's, and that the server runs on."""
    if not asked or not image_python or asked == image_python:
        return False
    return pythons.OLDEST <= pythons.minor_of(asked) <= pythons.NEWEST


def _python_note(asked: str, image_python: str, source: str, strict: bool) -> Iterator[str]:
    """What to say of a Python that is asked for and that pip does not choose."""
    if not asked or asked == image_python:
        return
    told, its = f"{source}: python={asked}", f"the image's own Python {image_python}".strip()
    if strict:
        raise DeploymentError(f"{told}: packages would go into {its}; try --solver conda")
    if pythons.minor_of(asked) < pythons.OLDEST:
        oldest = ".".join(map(str, pythons.OLDEST))
        yield f"{told}: the server needs Python {oldest} or newer: packages go into {its}"
    else:
        yield f"{told}: packages go into {its} (--solver conda asks for this one)"


def _files(lines: Sequence[str], asked: CondaFile, here: Path) -> Iterator[tuple[str, Path]]:
    """The files beside the conda file that pip's lines name, and those that these name. As pip has
    it: what -r and -c name starts from the file `here` that names it, all else from the top.
    """
    root = asked.directory.resolve()
    for written in lines:
        option, name = _file_of(_COMMENT.sub("", written).strip())
        if not name:
            continue
        told = f"{asked.source}: {written.strip()}"
        source = ((here if option in _NESTED else root) / name).resolve()
        if option in _EDITABLE:
            raise DeploymentError(f"{told}: an image has no folder of yours: leave {option} out")
        if not source.exists():
            raise DeploymentError(f"{told}: no such file or folder: {source}")
        if not source.is_relative_to(root):
            raise DeploymentError(f"{told}: must lie in {root}, beside {asked.source}")
        yield str(source.relative_to(root)), source
        if option in _NESTED:
            yield from _files(read_text(source).splitlines(), asked, source.parent)


def _file_of(line: str) -> tuple[str, str]:
    """The option and the path of a line that names a file of this machine; else empty ones."""
    found = _WITH_FILE.fullmatch(line)
    if found is not None:
        path = found[2].strip().strip("'\"")
        return (found[1], "") if _ELSEWHERE.match(path) else (found[1], path)
    words = line.split(";", maxsplit=1)[0].split()
    if not words or line.startswith("-") or _ELSEWHERE.match(words[-1]):
        return "", ""
    path = _EXTRAS.sub("", words[0])
    return "", path if path.startswith((".", "/")) or _ARCHIVE.search(path) else ""
