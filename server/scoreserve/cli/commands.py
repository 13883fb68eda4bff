"""`scoreserve`: which commands there are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from scoreserve import __version__, wire
from scoreserve.cli import check, serve


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command that is asked for."""
    parser = argparse.ArgumentParser(
        prog="scoreserve", description="The scoring container for Azure ML entry scripts."
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve.add_to(commands)
    check.add_to(commands)
    arguments = parser.parse_args(argv)
    arguments.run(arguments)


def _version() -> str:
    """The version, and whether it is compiled (see hatch_build.py)."""
    compiled = not str(wire.__file__).endswith(".py")
    return f"scoreserve {__version__}{' (compiled)' if compiled else ''}"
