"""The command line of conda, as far as Azure's tools and users' Dockerfiles use it."""

from __future__ import annotations

import os
from argparse import REMAINDER, ArgumentParser
from typing import Any, NoReturn

from scoreserve.deploy.conda.environments import SOLVERS

CONDA_VERSION = "24.1.0"  # whose command line this is a part of
_SOLVER, _STRICT = "SCORESERVE_CONDA_SOLVER", "SCORESERVE_CONDA_STRICT"
# Conda's own solvers: which one is a matter of conda's.
_CONDA_SOLVERS = ("classic", "libmamba", "rattler")
# What changes nothing here.
_IGNORED = (
    *("-q", "--quiet", "-v", "--verbose", "-k", "--insecure", "-S", "--satisfied-skip-solve"),
    *("--no-default-packages", "--freeze-installed", "--no-update-deps", "--update-deps"),
    *("--strict-channel-priority", "--no-channel-priority", "--no-pin", "--copy", "--debug"),
    *("--update-all", "--update-specs", "--use-local", "--experimental-solver-fallback"),
)
# Commands that do nothing, whatever their arguments, and why.
NO_EFFECT = {
    "clean": "packages are fetched without a cache",
    "config": "channels come from the conda file and from --channel",
}


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(
            2,
            f"conda: {message}\nThis conda is a part of scoreserve's image, for a part of conda's"
            f" commands: `conda --help`. For all of conda, install it: it goes before this one.\n",
        )


def parser() -> ArgumentParser:
    """Parses a command line. `command` is one of the names in `conda --help`, as `env create`."""
    top = _Parser(
        prog="conda",
        description="A part of conda's commands, as scoreserve's image has them.",
        epilog=f"{' and '.join(NO_EFFECT)} are taken too, and have no effect.",
        allow_abbrev=False,
    )
    top.add_argument("-V", "--version", action="version", version=f"conda {CONDA_VERSION}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    env = commands.add_parser("env", help="environments of a conda file")
    actions = env.add_subparsers(dest="command", required=True, metavar="ACTION")
    create = _adds(actions, "env create", "makes an environment of a conda file")
    create.add_argument("-f", "--file", default="environment.yml")
    create.add_argument("-y", "--yes", "--force", action="store_true", dest="force")
    update = _adds(actions, "env update", "adds what a conda file asks for")
    update.add_argument("-f", "--file", default="environment.yml")
    update.add_argument("--prune", action="store_true")
    _command(actions, "env list", "the environments").add_argument("--json", action="store_true")
    remove = _command(actions, "env remove", "removes an environment")
    remove.add_argument("-y", "--yes", action="store_true")

    create = _adds(commands, "create", "makes an environment of packages")
    create.add_argument("-y", "--yes", "--force", action="store_true", dest="force")
    create.add_argument("--file", action="append")
    create.add_argument("packages", nargs="*")
    for name in ("install", "update", "upgrade"):
        install = _adds(commands, name, "adds packages to an environment")
        install.add_argument("-y", "--yes", action="store_true")
        install.add_argument("--file", action="append")
        install.add_argument("--all", action="store_true")
        install.add_argument("packages", nargs="*")
    for name in ("remove", "uninstall"):
        remove = _command(commands, name, "removes packages, or with --all the environment")
        remove.add_argument("-y", "--yes", action="store_true")
        remove.add_argument("--all", action="store_true")
        remove.add_argument("packages", nargs="*")

    listing = _command(commands, "list", "the packages of an environment")
    listing.add_argument("--json", action="store_true")
    listing.add_argument("filter", nargs="?", help="a regular expression")
    info = _command(commands, "info", "where things are")
    info.add_argument("--base", "--root", action="store_true")
    info.add_argument("-e", "--envs", action="store_true")
    info.add_argument("--json", action="store_true")

    run = _command(commands, "run", "runs a command in an environment")
    run.add_argument("--no-capture-output", "--live-stream", action="store_true")
    run.add_argument("--cwd")
    run.add_argument("executable_call", nargs=REMAINDER, metavar="COMMAND ...")
    init = _command(commands, "init", "teaches the shells `conda activate`")
    init.add_argument("shells", nargs="*")
    for name in ("activate", "deactivate"):
        _command(commands, name, "by the shell").add_argument("environment", nargs="?")
    return top


def _command(commands: Any, name: str, about: str) -> ArgumentParser:
    """A command for one environment."""
    word = name.rpartition(" ")[2]
    made: ArgumentParser = commands.add_parser(word, help=about, allow_abbrev=False)
    made.set_defaults(command=name)
    which = made.add_mutually_exclusive_group()
    which.add_argument("-n", "--name")
    which.add_argument("-p", "--prefix")
    for flag in _IGNORED:
        made.add_argument(flag, action="store_true", dest="_", help="has no effect here")
    return made


def _adds(commands: Any, name: str, about: str) -> ArgumentParser:
    """A command that installs packages."""
    made = _command(commands, name, about)
    made.add_argument("-c", "--channel", action="append")
    made.add_argument("-O", "--override-channels", action="store_true")
    made.add_argument(
        "--solver",
        type=_solver,
        default=os.environ.get(_SOLVER) or "auto",
        help=f"pip, conda (from channels), or auto: pip where it can ({_SOLVER})",
    )
    made.add_argument(
        "--strict",
        action="store_true",
        default=os.environ.get(_STRICT, "").lower() in ("true", "1"),
        help=f"refuse another Python than the one asked for ({_STRICT})",
    )
    return made


def _solver(value: str) -> str:
    """Raises ValueError."""
    if value in _CONDA_SOLVERS:
        return "auto"
    if value not in SOLVERS:
        raise ValueError(value)
    return value
