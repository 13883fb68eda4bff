"""What the flags of the commands have in common: wrong ones are told in one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn

from scoreserve.errors import EXIT_FLAGS
from scoreserve.near_miss import nearest


def checked(parse: Callable[[Any], Any]) -> Callable[[str], Any]:
    """The type of a flag whose value a setting parses: what it refuses is shown with its value."""

    def check(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}, not {text!r}") from None

    return check


class Parser(argparse.ArgumentParser):
    """argparse's, which says in one line what is wrong and what was meant, without its usage.
    `help_text` makes the text of --help for a width in columns, in the place of argparse's.
    """

    help_text: Callable[[], str] | None = None
    rest: str | None = None  # the list of arguments that those after a flag belong to as well
    after_dashes: str | None = None  # what those after -- become, whatever they look like

    def format_help(self) -> str:
        return super().format_help() if self.help_text is None else self.help_text()

    def error(self, message: str) -> NoReturn:
        """Exits the process with 2, which is argparse's code for it."""
        print(f"{self.prog}: {message.removeprefix('argument ')}", file=sys.stderr)
        sys.exit(EXIT_FLAGS)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        """Knows all: argparse would leave what a command does not know to its parent, which cannot
        say what was meant.
        """
        after: Sequence[str] = ()
        if self.after_dashes is not None and args is not None and "--" in args:
            args, after = args[: args.index("--")], args[args.index("--") + 1 :]
        found, unknown = super().parse_known_args(args, namespace)
        if self.after_dashes is not None:
            setattr(found, self.after_dashes, list(after))
        if self.rest is not None:  # argparse hands over what stands before the first flag
            words = [word for word in unknown if not word.startswith("-")]
            getattr(found, self.rest).extend(words)
            unknown = [word for word in unknown if word not in words]
        if unknown:
            self.error(self._told(unknown[0]))
        return found, []

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse's, which says only since Python 3.14 what may be meant."""
        if action.choices is not None and value not in action.choices:
            choices = ", ".join(map(repr, action.choices))
            near = nearest(str(value), map(str, action.choices))
            meant = f": did you mean {near}?" if near else ""
            message = f"invalid choice: {value!r} (choose from {choices}){meant}"
            raise argparse.ArgumentError(action, message)

    def _told(self, argument: str) -> str:
        """What is wrong with an argument that is not known."""
        if argument.startswith("-"):
            flags = [flag for action in self._actions for flag in action.option_strings]
            return no_such("flag", argument.partition("=")[0], flags, self.prog)
        return f"unexpected argument {argument!r}; {_more(self.prog)}"


def no_such(kind: str, written: str, known: Collection[str], program: str) -> str:
    """That there is no flag or command as it is `written`, and which one may be meant."""
    near = nearest(written, known)
    return f"no {kind} {written}{f': did you mean {near}?' if near else '; ' + _more(program)}"


def _more(program: str) -> str:
    return f"`{program} --help` lists what there is"
