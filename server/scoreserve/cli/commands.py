"""`scoreserve`: which commands there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from scoreserve.cli import (
    batch,
    bench,
    check,
    completion,
    deploy,
    dev,
    init,
    package,
    serve,
    service,
)
from scoreserve.cli.flags import Parser, no_such
from scoreserve.errors import EXIT_BROKEN_PIPE, EXIT_FLAGS, EXIT_INTERRUPTED
from scoreserve.start_lines import version


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command that is asked for. Without one, shows which there are, and exits with 2."""
    try:
        try:
            _run(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # who reads it, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_BROKEN_PIPE)
    except KeyboardInterrupt:  # before the command could say what becomes of its work
        sys.exit(EXIT_INTERRUPTED)


def _run(written: Sequence[str]) -> None:
    parser = Parser(
        prog="scoreserve", description="The scoring container for Azure ML entry scripts."
    )
    parser.add_argument("--version", action="version", version=version())
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for module in (init, dev, check, bench, package, deploy, service, serve, batch, completion):
        module.add_to(commands)
    completion.answer(parser)
    command = next((word for word in written if not word.startswith("-")), None)
    if command is not None and command not in commands.choices:
        parser.error(no_such("command", command, commands.choices, parser.prog))
    arguments = parser.parse_args(written)
    if arguments.command is None:
        parser.print_help(sys.stderr)
        sys.exit(EXIT_FLAGS)
    arguments.run(arguments)
