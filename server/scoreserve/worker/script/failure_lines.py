"""The line that says what went wrong with a request, as the page at /status shows it.

The last one of its traceback: the exception's type and the first line of its message. Those who
look after the service see it, clients do not.
"""

from __future__ import annotations

from typing import Final

from scoreserve.errors import ReplyError, ScoringTimeout

_MOST_CHARACTERS: Final = 300


def failure_line(error: ReplyError) -> str:
    """What the script raised, where it did; else what is answered."""
    cause = error.__cause__
    if cause is None or isinstance(error, ScoringTimeout):
        return error.message
    return _shortened(f"{_name(type(cause))}{_message(cause)}")


def _name(kind: type[BaseException]) -> str:
    """As tracebacks have it."""
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def _message(error: BaseException) -> str:
    try:
        text = str(error).strip()
    except BaseException:  # the script's own method is called
        text = "<its message cannot be made>"
    return f": {text.splitlines()[0]}" if text else ""


def _shortened(line: str) -> str:
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + "…"
