"""The `conda` of our images: what Azure's tools and users' Dockerfiles call of it. No conda is
behind it: pip makes environments, or py-rattler of conda's packages. See docs/images.md.
"""

from __future__ import annotations

import json
import os
import re
import sys
from argparse import Namespace
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

from scoreserve import __version__
from scoreserve.cli.conda_arguments import (
    active,
    given_prefix,
    new_prefix,
    place,
    refuse_base,
    request_of_file,
    request_of_words,
)
from scoreserve.cli.conda_flags import CONDA_VERSION, NO_EFFECT, parser
from scoreserve.deploy.conda import activation, environments, pip_environment, prefixes
from scoreserve.deploy.conda.environments import Request
from scoreserve.errors import EXIT_INTERRUPTED, DeploymentError

PROGRAM = "/opt/miniconda/bin/conda"
_EXIT_ERROR = 1
_HOOK = 'eval "$({program} shell.posix hook)"\n'
_RC_FILES = {"bash": ".bashrc", "zsh": ".zshrc"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line of conda's. Returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    os.umask(os.umask(0) & ~0o070)  # any uid of group 0 may add to what another has made
    try:
        if words[:1] and words[0].startswith("shell."):
            return _shell(words[1:])
        if words[:1] and words[0] in NO_EFFECT:
            _say(f"`conda {words[0]}` has no effect here: {NO_EFFECT[words[0]]}")
            return 0
        given = parser().parse_args(words)
        handler: Callable[[Namespace, prefixes.Prefixes], int] = _COMMANDS[given.command]
        return handler(given, prefixes.here(os.environ))
    except DeploymentError as error:
        print(f"conda: {error}", file=sys.stderr)
        return _EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


# Environments.


def _env_create(given: Namespace, known: prefixes.Prefixes) -> int:
    request = request_of_file(given)
    prefix = new_prefix(given, known, request.file.name)
    _make(prefix, request, known)
    _tell_how_to_activate(prefix, known)
    return 0


def _env_update(given: Namespace, known: prefixes.Prefixes) -> int:
    request = replace(request_of_file(given), upgrade=True)
    if given.prune:
        _say("--prune has no effect here: what the file does not name stays")
    name = given.name or (None if given.prefix else request.file.name)
    prefix = known.place_for(name) if name and not known.find(name) else None
    _make(prefix or given_prefix(given, known, name), request, known)
    return 0


def _env_remove(given: Namespace, known: prefixes.Prefixes) -> int:
    prefix = given_prefix(given, known)
    refuse_base(prefix, known, "removed")
    prefixes.remove(prefix)
    print(f"Removed {prefix}")
    return 0


def _env_list(given: Namespace, known: prefixes.Prefixes) -> int:
    paths = [known.base, *known.all()]
    if given.json:
        print(json.dumps({"envs": [str(path) for path in paths]}, indent=2))
        return 0
    current = active(known)
    print("# conda environments:\n#")
    for path in paths:
        print(f"{known.name_of(path):<22} {'*' if path == current else ' '}  {path}")
    return 0


def _create(given: Namespace, known: prefixes.Prefixes) -> int:
    prefix = new_prefix(given, known)
    _make(prefix, request_of_words(given, "conda create"), known)
    _tell_how_to_activate(prefix, known)
    return 0


def _install(given: Namespace, known: prefixes.Prefixes) -> int:
    request = request_of_words(given, f"conda {given.command}")
    if request.file.conda:
        request = replace(request, upgrade=given.command in ("update", "upgrade"))
        _make(given_prefix(given, known), request, known)
    else:
        _say("nothing to do: this conda is part of the image")
    return 0


def _remove(given: Namespace, known: prefixes.Prefixes) -> int:
    if given.all:
        return _env_remove(given, known)
    prefix = given_prefix(given, known)
    pip_environment.uninstall(prefix, given.packages)
    return 0


# What is there.


def _list(given: Namespace, known: prefixes.Prefixes) -> int:
    prefix = given_prefix(given, known)
    rows = sorted(_packages(prefix))
    if given.filter:
        rows = [row for row in rows if re.search(given.filter, row[0])]
    if given.json:
        keys = ("name", "version", "channel")
        print(json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=2))
        return 0
    print(f"# packages in environment at {prefix}:\n#")
    print(f"# {'Name':<23} {'Version':<15} Channel")
    for name, version, channel in rows:
        print(f"{name:<25} {version:<15} {channel}")
    return 0


def _packages(prefix: Path) -> Iterable[tuple[str, str, str]]:
    """Name, version and channel of what conda has put into an environment, and of what pip has."""
    names = set()
    for path in (prefix / "conda-meta").glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        names.add(record["name"])
        yield record["name"], record["version"], str(record.get("channel", ""))
    folders = [str(folder) for folder in prefix.glob("lib/python3*/site-packages")]
    for found in metadata.distributions(path=folders):
        if found.name.lower() not in names:
            yield found.name.lower(), found.version, "pypi"


def _info(given: Namespace, known: prefixes.Prefixes) -> int:
    if given.envs:
        return _env_list(given, known)
    if given.base:
        print(known.root)
        return 0
    current = active(known)
    about: dict[str, Any] = {
        "active environment": known.name_of(current) or str(current),
        "active env location": str(current),
        "conda version": f"{CONDA_VERSION} (the command line; scoreserve {__version__} stands in)",
        "python version": ".".join(map(str, sys.version_info[:3])),
        "base environment": str(known.root),
        "envs directories": [str(folder) for folder in known.folders],
    }
    if given.json:
        paths = [str(path) for path in (known.base, *known.all())]
        keys = {
            "root_prefix": str(known.root),
            "conda_prefix": str(known.root),
            "active_prefix": str(current),
            "envs": paths,
            "envs_dirs": about["envs directories"],
            "conda_version": CONDA_VERSION,
            "python_version": about["python version"],
        }
        print(json.dumps(keys, indent=2))
        return 0
    for name, value in about.items():
        print(f"{name:>22} : {', '.join(value) if isinstance(value, list) else value}")
    return 0


# Running in them.


def _run(given: Namespace, known: prefixes.Prefixes) -> int:
    words = (
        given.executable_call[1:] if given.executable_call[:1] == ["--"] else given.executable_call
    )
    if not words:
        raise DeploymentError("run: no command is given: conda run -n NAME COMMAND ...")
    prefix = given_prefix(given, known)
    environ = {**os.environ, **activation.variables(prefix, known.name_of(prefix), os.environ)}
    try:
        if given.cwd:
            os.chdir(given.cwd)
        command = activation.command(prefix, words)
        os.execvpe(command[0], command, environ)  # noqa: S606  # becomes it, signals and all
    except OSError as error:
        raise DeploymentError(f"run: {' '.join(words)}: {error.strerror}") from None


def _shell(words: Sequence[str]) -> int:
    """What the shell's own `conda` asks for: lines for it to evaluate."""
    known = prefixes.here(os.environ)
    match words:
        case ["hook"]:
            print(activation.shell_function(PROGRAM), end="")
        case ["deactivate"]:
            print(activation.deactivate(os.environ))
        case ["activate", *names] if len(names) <= 1:
            prefix = place("".join(names) or "base", known)
            print(activation.activate(prefix, known.name_of(prefix), os.environ))
        case _:
            raise DeploymentError("activate takes one name or path of an environment")
    return 0


def _init(given: Namespace, known: prefixes.Prefixes) -> int:
    hook = _HOOK.format(program=PROGRAM)
    for shell in given.shells or ["bash"]:
        if shell not in _RC_FILES:
            raise DeploymentError(f"init: {shell}: only {', '.join(_RC_FILES)} can be set up")
        path = Path(os.path.expanduser("~"), _RC_FILES[shell])
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if hook not in text:
            path.write_text(f"{text}{hook}", encoding="utf-8")
        print(f"{path}: shells that read it know `conda activate`")
    return 0


def _not_in_a_shell(given: Namespace, known: prefixes.Prefixes) -> int:
    raise DeploymentError(
        f"{given.command} needs a shell that knows conda: first"
        f' `eval "$(conda shell.bash hook)"`, or `. {known.root}/etc/profile.d/conda.sh`'
    )


_COMMANDS: Mapping[str, Callable[[Namespace, prefixes.Prefixes], int]] = {
    "env create": _env_create,
    "env update": _env_update,
    "env list": _env_list,
    "env remove": _env_remove,
    "create": _create,
    "install": _install,
    "update": _install,
    "upgrade": _install,
    "remove": _remove,
    "uninstall": _remove,
    "list": _list,
    "info": _info,
    "run": _run,
    "init": _init,
    "activate": _not_in_a_shell,
    "deactivate": _not_in_a_shell,
}


def _make(prefix: Path, request: Request, known: prefixes.Prefixes) -> None:
    prefix.parent.mkdir(parents=True, exist_ok=True)
    environments.make(prefix, request, _say)


def _say(text: str) -> None:
    print(f"conda: {text}", file=sys.stderr, flush=True)


def _tell_how_to_activate(prefix: Path, known: prefixes.Prefixes) -> None:
    print(
        f"#\n# To activate this environment, use\n#\n"
        f"#     $ conda activate {known.name_of(prefix) or prefix}\n#\n"
        f"# To deactivate an active environment, use\n#\n#     $ conda deactivate\n"
    )


if __name__ == "__main__":
    sys.exit(main())
