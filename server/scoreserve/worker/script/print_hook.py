"""`print` in a script becomes a log line, as in the reference: `azmlinfsrv.print - text`.

What is printed to another file than stdout is left alone; `end` and `flush` have no meaning for a
line of a log.
"""

from __future__ import annotations

import builtins
import functools
import logging
import sys
from typing import Any

_log = logging.getLogger("azmlinfsrv.print")
_print = builtins.print


@functools.wraps(_print)
def print_to_log(*objects: Any, sep: str | None = " ", file: Any = None, **options: Any) -> None:
    """`print`, with stdout replaced by the logger."""
    if file is None or file is sys.stdout:
        _log.info("%s", (" " if sep is None else sep).join(map(str, objects)))
    else:
        _print(*objects, sep=sep, file=file, **options)


def install() -> None:
    """Replaces `print` in this process."""
    builtins.print = print_to_log
