"""The text of `scoreserve serve --help`: every setting of the table, under its group's heading."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import Any

from scoreserve.settings import Settings, Source, groups

_WIDEST = 100  # columns: longer lines are hard to read
_INDENT = "      "

_ABOUT = """\
Serves an entry script: a Python file with init() and run(). Requests to POST /score are handed to
run(). Stop it with Ctrl-C.

A setting is given as a flag, in its environment variable, or under the name of the variable in
config.json (in the script's folder). A flag wins over the environment, which wins over the file.
Each setting is shown with its flag, its variable, and its default. What is in brackets may be left
out."""

_EXAMPLES = """\
Examples:
  scoreserve serve score.py
  scoreserve serve score.py --model-dir ./model --port 8080 --workers 2
  SCORESERVE_MAX_BATCH_SIZE=64 scoreserve serve score.py"""


def help_text() -> str:
    """All of it, as wide as the terminal, and 80 columns where there is none."""
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    return "\n".join(_lines(width)) + "\n"


def _lines(width: int) -> Iterator[str]:
    yield "usage: scoreserve serve [SCRIPT] [FLAGS]"
    for paragraph in _ABOUT.split("\n\n"):
        yield ""
        yield from textwrap.wrap(paragraph, width)
    yield ""
    yield from _EXAMPLES.splitlines()
    defaults = Settings()
    for heading, rows in groups():
        yield ""
        yield f"{heading}:"
        for name, source in rows:
            yield f"  {'   '.join(_names(source))}"
            text = f"{source.help}{default_text(source, getattr(defaults, name))}"
            yield from textwrap.wrap(
                text,
                width,
                initial_indent=_INDENT,
                subsequent_indent=_INDENT,
                break_long_words=False,
                break_on_hyphens=False,
            )


def _names(source: Source) -> Iterator[str]:
    """Its flag, and its variable or that it has none."""
    if source.flag is not None:
        yield f"{source.flag} {metavar(source)}"
    yield source.env[0] if source.read_env else f"(in config.json: {source.env[0]})"


def metavar(source: Source) -> str:
    """What stands for the setting's value."""
    if source.switch:
        return "[true|false]"
    return source.metavar or source.unit.upper() or "VALUE"


def default_text(source: Source, default: Any) -> str:
    """The default of a setting, as a sentence that follows its help text."""
    if default in (None, "", ()):
        return "" if "Unset:" in source.help else " Default: none."
    shown = str(default).lower() if isinstance(default, bool) else str(default)
    unit = f" {source.unit}" if source.unit and default != 1 else ""
    return f" Default: {shown}{unit}."
