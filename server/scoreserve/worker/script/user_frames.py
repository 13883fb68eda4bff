"""Which lines of a traceback are the user's own, rather than the server's or a library's."""

from __future__ import annotations

import linecache
import os
import sysconfig
import traceback
from types import TracebackType
from typing import NamedTuple

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_LIBRARIES = tuple(
    os.path.join(path, "")
    for path in {
        _PACKAGE,
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    }
)
_COMPILED = os.path.basename(_PACKAGE) + "/"  # mypyc names files from the folder that they are in
_INSTALLED = ("site-packages", "dist-packages")


class Place(NamedTuple):
    """A line of the user's. `function` is "" outside any."""

    path: str
    line: int
    function: str = ""

    def __str__(self) -> str:
        """In one line, and the source below it where there is some."""
        function = f", in {self.function}()" if self.function else ""
        source = linecache.getline(self.path, self.line).strip()
        return f"{self.path}, line {self.line}{function}{f'{chr(10)}{source}' if source else ''}"


def is_users(path: str) -> bool:
    """Whether a file, as tracebacks name it, is neither the server's nor an installed one."""
    if path.startswith(("<", _COMPILED, *_LIBRARIES)):
        return False
    return not any(part in _INSTALLED for part in path.split(os.sep))


def users_part(found: TracebackType | None) -> TracebackType | None:
    """The traceback from the user's first line on; None where there is none of the user's."""
    while found is not None and not is_users(found.tb_frame.f_code.co_filename):
        found = found.tb_next
    return found


def users_traceback(error: BaseException) -> str:
    """The text of an error's traceback from the user's first line on; all of it where there is none
    of the user's.
    """
    frames = users_part(error.__traceback__)
    if frames is None and not isinstance(error, SyntaxError):
        frames = error.__traceback__
    return "".join(traceback.format_exception(type(error), error, frames))


def place_of(error: BaseException) -> Place | None:
    """Where the user's code was when it came to this: the last of its lines."""
    if isinstance(error, SyntaxError) and error.filename is not None and is_users(error.filename):
        return Place(error.filename, error.lineno or 1)
    last = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if is_users(code.co_filename):
            last = Place(code.co_filename, line, "" if code.co_name == "<module>" else code.co_name)
    return last
