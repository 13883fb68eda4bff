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
    return _shortened(f"{type_name(type(cause))}{_message(cause)}")


def type_name(kind: type[BaseException]) -> str:
    """The name of an exception's class, as tracebacks have it."""
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def text_of(error: BaseException) -> str:
    """What the exception says, if it can."""
    try:
        return str(error).strip()
    except BaseException:  # the script's own method is called
        return "<its message cannot be made>"


def _message(error: BaseException) -> str:
    text = text_of(error)
    return f": {text.splitlines()[0]}" if text else ""


def _shortened(line: str) -> str:
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + "…"
