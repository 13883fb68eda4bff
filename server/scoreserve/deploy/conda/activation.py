"""What makes an environment the active one: of a command, or of the shell that asks."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scoreserve.deploy.conda import prefixes

_HOOKS = {"activate": "etc/conda/activate.d", "deactivate": "etc/conda/deactivate.d"}

# In bash, zsh and other shells of POSIX. `command`, since the function has the program's name.
_FUNCTION = """\
export CONDA_EXE={program}
conda() {{
    case "${{1:-}}" in
        activate | deactivate)
            __conda_lines="$("$CONDA_EXE" shell.posix "$@")" || return
            eval "$__conda_lines"
            unset __conda_lines
            ;;
        *) "$CONDA_EXE" "$@" ;;
    esac
}}
"""


def variables(prefix: Path, name: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that an active environment sets, over those that are set."""
    path = [str(prefix / "bin"), *_without(environ.get("CONDA_PREFIX"), environ)]
    return {
        "PATH": os.pathsep.join(path),
        "CONDA_PREFIX": str(prefix),
        "CONDA_DEFAULT_ENV": name or str(prefix),
        "CONDA_SHLVL": "1",
        **prefixes.variables_of(prefix),
    }


def command(prefix: Path, words: Sequence[str]) -> list[str]:
    """What runs a command in an environment: itself, after the environment's own scripts."""
    scripts = list(_scripts(prefix, "activate"))
    if not scripts:
        return list(words)
    lines = [f". {shlex.quote(script)}" for script in scripts]
    return ["/bin/sh", "-c", "\n".join([*lines, 'exec "$@"']), "sh", *words]


def shell_function(program: str) -> str:
    """Lines for a shell, which then knows `conda activate`; `program` is the path of conda."""
    return _FUNCTION.format(program=shlex.quote(program))


def activate(prefix: Path, name: str, environ: Mapping[str, str]) -> str:
    """Lines for a shell, in which the environment is active then."""
    before = environ.get("CONDA_PREFIX")
    lines = list(_left(Path(before), environ)) if before else []
    pairs = variables(prefix, name, environ).items()
    lines += [f"export {key}={shlex.quote(value)}" for key, value in pairs]
    lines += [f". {shlex.quote(script)}" for script in _scripts(prefix, "activate")]
    return "\n".join(lines)


def deactivate(environ: Mapping[str, str]) -> str:
    """Lines for a shell, in which no environment is active then."""
    prefix = environ.get("CONDA_PREFIX")
    if not prefix:
        return ""
    path = os.pathsep.join(_without(prefix, environ))
    lines = [*_left(Path(prefix), environ), f"export PATH={shlex.quote(path)}"]
    return "\n".join([*lines, "unset CONDA_PREFIX CONDA_DEFAULT_ENV CONDA_SHLVL"])


def _left(prefix: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """Lines that undo what an environment has set, but for PATH."""
    yield from (f". {shlex.quote(script)}" for script in _scripts(prefix, "deactivate"))
    names = [name for name in prefixes.variables_of(prefix) if name in environ]
    if names:
        yield f"unset {' '.join(map(shlex.quote, names))}"


def _without(prefix: str | None, environ: Mapping[str, str]) -> list[str]:
    """The folders on PATH, less those of an environment that is active no more."""
    own = f"{prefix}/bin" if prefix else None
    return [each for each in environ.get("PATH", os.defpath).split(os.pathsep) if each != own]


def _scripts(prefix: Path, when: str) -> Iterator[str]:
    yield from map(str, sorted((prefix / _HOOKS[when]).glob("*.sh")))
