"""How the packages of an environment come into its image: by pip, or by conda."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scoreserve.deploy.conda.environment_file import parse
from scoreserve.deploy.conda.pip_requirements import PipRequirements, pip_requirements
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
    python: str = ""  # the version that is asked for and that pip does not choose, as `3.11`


def packages(asked: CondaFile, solver: str = "auto", *, strict: bool = False) -> Packages:
    """How to install what a conda file asks for, by the solver `conda`, `pip`, or `auto`: pip where
    it can. `strict` refuses what would be another Python than
    the file names. Raises DeploymentError.
    """
    file = parse(asked.document, asked.source)
    by_pip = pip_requirements(file, asked.source)
    if solver == "pip" and by_pip.conda_only:
        raise DeploymentError(
            f"{asked.source}: {', '.join(by_pip.conda_only)}: not on PyPI, needs --solver conda"
        )
    files = dict(_files(file.pip, asked, asked.directory))
    if solver == "conda" or (solver == "auto" and by_pip.conda_only):
        notes = [*file.notes]
        if by_pip.conda_only:
            told = ", ".join(by_pip.conda_only)
            notes.append(f"{asked.source}: conda installs all of it, for {told}")
        return Packages(
            asked.source,
            channels=file.channels,
            document=asked.document,
            files=files,
            variables=file.variables,
            notes=tuple(notes),
        )
    return Packages(
        asked.source,
        channels=file.channels,
        lines=by_pip.lines,
        files=files,
        variables=file.variables,
        notes=(*file.notes, *by_pip.notes, *_python_note(by_pip, asked.source, strict)),
        python=by_pip.python,
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


def _python_note(by_pip: PipRequirements, source: str, strict: bool) -> Iterator[str]:
    if not by_pip.python:
        return
    told = f"{source}: python={by_pip.python}"
    if strict:
        raise DeploymentError(
            f"{told}: pip installs into the image's own Python, whichever it is; --solver conda"
            " makes an environment of this one"
        )
    yield f"{told}: packages go into the image's own Python (--solver conda asks for this one)"


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
