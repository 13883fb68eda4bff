"""Makes environments, and adds to them: what a conda file asks for, by pip or from channels."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scoreserve.deploy.conda import channels, pip_environment, prefixes, pythons
from scoreserve.deploy.conda.environment_file import EnvironmentFile, parse
from scoreserve.deploy.conda.pip_requirements import PipRequirements, pip_requirements
from scoreserve.errors import DeploymentError

SOLVERS = ("auto", "conda", "pip")
_OURS: pythons.Minor = sys.version_info[:2]
_REMEDY = "build on an image that has conda, or install it in another way (apt, a pip package)"


@dataclass(frozen=True)
class Request:
    """What is asked for. `source` is what messages call it; paths below `pip:` start from
    `directory`. `strict` refuses what would be another Python than the one named.
    """

    file: EnvironmentFile
    source: str
    directory: Path
    solver: str = "auto"
    strict: bool = False
    upgrade: bool = False  # what is there already, too


def make(prefix: Path, request: Request, say: Callable[[str], None]) -> None:
    """Makes an environment, or adds to one that is there; `say` is told what its author should
    know. A new one that fails leaves nothing behind. Raises DeploymentError.
    """
    is_new = not prefixes.is_environment(prefix)
    try:
        _make(prefix, request, is_new, say)
    except BaseException:
        if is_new:
            shutil.rmtree(prefix, ignore_errors=True)
        raise


def choose_solver(request: Request, conda_only: tuple[str, ...], content: str) -> str:
    """The solver, `conda` or `pip`, for an environment whose `content` is `none`, `pip` or
    `conda`: pip where all can be had from PyPI. Raises DeploymentError, which names the packages.
    """
    if request.solver == "conda" or (request.solver == "auto" and content == "conda"):
        wanted = "conda"
    else:
        wanted = "conda" if conda_only and request.solver == "auto" else "pip"
    named = f"{request.source}: {', '.join(conda_only) or 'its packages'}"
    if wanted == "pip" and conda_only:
        raise DeploymentError(f"{named}: not on PyPI; needs --solver conda")
    if wanted == "conda" and content == "pip":
        raise DeploymentError(
            f"{named}: needs conda's channels, and this environment is made by pip;"
            " name them when an environment is made, or use `conda create --solver conda`"
        )
    return wanted


def _make(prefix: Path, request: Request, is_new: bool, say: Callable[[str], None]) -> None:
    by_pip = pip_requirements(request.file, request.source)
    content = "none" if is_new else "conda" if prefixes.has_conda_packages(prefix) else "pip"
    if choose_solver(request, by_pip.conda_only, content) == "conda":
        for note in request.file.notes:
            say(note)
        _by_conda(prefix, request, by_pip, say)
    else:
        for note in (*request.file.notes, *by_pip.notes):
            say(note)
        _by_pip(prefix, request, by_pip, is_new, say)
    prefixes.set_variables(prefix, request.file.variables)


def _by_conda(
    prefix: Path,
    request: Request,
    by_pip: PipRequirements,
    say: Callable[[str], None],
) -> None:
    file = request.file
    before = parse({"dependencies": prefixes.specs_of(prefix)}, str(prefix)).conda
    specs = {package.name: package.written for package in (*before, *file.conda)}
    specs.setdefault("python", f"python >={_text(pythons.OLDEST)}")
    if file.pip:
        specs.setdefault("pip", "pip")
    try:
        channels.install(prefix, list(specs.values()), file.channels)
    except DeploymentError as error:
        named = ", ".join(by_pip.conda_only) or ", ".join(specs.values())
        raise DeploymentError(
            f"{request.source}: {named}: needs conda's channels: {error}; {_REMEDY}"
        ) from None
    prefixes.mark(prefix, list(specs.values()))
    pip_environment.install(prefix, file.pip, request.directory, *_options(request))
    version = pythons.version_of(str(prefixes.python_of(prefix)))
    if version < pythons.OLDEST:
        say(_too_old(request.source, _text(version), "this environment cannot be served"))


def _by_pip(
    prefix: Path,
    request: Request,
    by_pip: PipRequirements,
    is_new: bool,
    say: Callable[[str], None],
) -> None:
    asked = next((each.version for each in request.file.conda if each.name == "python"), "")
    asked = asked.strip("= ")
    if is_new:
        python = _python(prefix, request, asked, say)
        pip_environment.create(prefix, python)
    else:
        version = pythons.version_of(str(prefixes.python_of(prefix)))
        if not pythons.admits(asked, version):
            _differ(request, f"python {asked}: {prefix} has Python {_text(version)}", say)
    try:
        pip_environment.install(prefix, by_pip.lines, request.directory, *_options(request))
    except DeploymentError as error:
        version = pythons.version_of(str(prefixes.python_of(prefix)))
        if pythons.admits(asked, version):
            raise
        raise DeploymentError(
            f"{error}. {request.source} asks for Python {asked}, and this is Python"
            f" {_text(version)}, for which older packages have no wheels"
        ) from None
    if is_new and pythons.version_of(str(prefixes.python_of(prefix))) != _OURS:
        say("The server goes in now: the image has its packages for its own Python only.")
        pip_environment.add_server(prefix)


def _python(prefix: Path, request: Request, asked: str, say: Callable[[str], None]) -> str:
    """Path of the interpreter for a new environment."""
    chosen = pythons.choose(asked, _OURS)
    ours = f"Python {_text(_OURS)} takes its place"
    if chosen is None:
        _differ(request, _too_old(request.source, asked, ours), say)
    elif chosen != _OURS:
        try:
            return pythons.find(chosen, prefix.parent.parent / "pythons")
        except DeploymentError as error:
            _differ(request, f"{request.source}: python {asked}: {error}; {ours}", say)
    return sys.executable


def _differ(request: Request, text: str, say: Callable[[str], None]) -> None:
    if request.strict:
        raise DeploymentError(f"{text} (refused: --strict)")
    say(f"WARNING: {text}")


def _too_old(source: str, asked: str, outcome: str) -> str:
    oldest = _text(pythons.OLDEST)
    return f"{source}: python {asked}: the server needs Python {oldest} or newer; {outcome}"


def _text(version: pythons.Minor) -> str:
    return ".".join(map(str, version))


def _options(request: Request) -> tuple[str, ...]:
    return ("--upgrade",) if request.upgrade else ()
