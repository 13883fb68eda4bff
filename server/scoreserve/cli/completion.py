"""Completion of commands and flags by the shell, with argcomplete (the extra `completion`).

`scoreserve completion bash` prints what the shell runs; from then on the shell starts `scoreserve`
with _ARGCOMPLETE set, to ask what could follow.
"""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from typing import NoReturn

from scoreserve.cli.flags import Parser
from scoreserve.cli.script_flags import add_command

_ASKED = "_ARGCOMPLETE"
_SHELLS = ("bash", "zsh", "fish")
_MISSING = 1  # exit code


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """The command and its argument."""
    command = add_command(
        commands,
        "completion SHELL",
        summary="print what makes your shell complete commands and flags",
        description="Prints the lines that make your shell complete `scoreserve` commands, flags"
        " and files with the Tab key. Needs argcomplete: pip install 'scoreserve[completion]'.",
        example='eval "$(scoreserve completion bash)"      # in ~/.bashrc\n'
        'eval "$(scoreserve completion zsh)"       # in ~/.zshrc, after compinit\n'
        "scoreserve completion fish | source       # in ~/.config/fish/config.fish",
    )
    command.add_argument("shell", choices=_SHELLS, metavar="SHELL", help=", ".join(_SHELLS))
    command.set_defaults(run=partial(_run, command))


def answer(parser: Parser) -> None:
    """Answers the shell and exits, if it is the shell that asks."""
    if _ASKED not in os.environ:
        return
    try:
        import argcomplete
    except ImportError:
        sys.exit(_MISSING)  # whatever is written would stand in the middle of a command line
    argcomplete.autocomplete(parser)


def _run(command: Parser, arguments: argparse.Namespace) -> NoReturn:
    try:
        from argcomplete.shell_integration import shellcode
    except ImportError:
        told = "argcomplete is not installed: pip install 'scoreserve[completion]'"
        print(f"{command.prog}: {told}", file=sys.stderr)
        sys.exit(_MISSING)
    print(shellcode(["scoreserve"], shell=arguments.shell))
    sys.exit(0)
