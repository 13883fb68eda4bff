"""`print` in a script becomes a log line, as in the reference: `azmlinfsrv.print - text`.

So it does while sys.stdout is the worker's. What is printed while the script has put something else
there (`contextlib.redirect_stdout`), or another file behind its descriptor, goes where it would
without us, and so does what is printed to any other file. `end` and `flush` have no meaning for a
line of a log.
"""

from __future__ import annotations

import builtins
import functools
import io
import logging
import sys
from typing import Any

from scoreserve.worker.script.script_stdout import ScriptSink

_log = logging.getLogger("azmlinfsrv.print")
_print = builtins.print


def install() -> None:
    """Replaces `print` in this process."""
    builtins.print = _to_log_from(sys.stdout)


def _to_log_from(stdout: Any) -> Any:
    """`print`, with what is meant for this stdout going to the log."""
    behind = getattr(stdout, "buffer", None)

    @functools.wraps(_print)
    def print_to_log(
        *objects: Any, sep: str | None = " ", file: Any = None, **options: Any
    ) -> None:
        target = sys.stdout if file is None else file
        ours = target is stdout or _buffer_of(target) is behind is not None
        if ours and not (isinstance(behind, ScriptSink) and behind.is_redirected()):
            text = (" " if sep is None else sep).join(map(str, objects))
            _log.info("%s", text, stacklevel=2)  # the line is the script's
        else:
            _print(*objects, sep=sep, file=file, **options)

    return print_to_log


def _buffer_of(file: Any) -> Any:
    """What is behind a file that does nothing but encode: another wrapper of stdout is no capture.

    Any other class may well do something with what it is given.
    """
    try:
        return file.buffer if type(file) is io.TextIOWrapper else None
    except ValueError:  # it is detached
        return None
