"""What a command shows on a terminal, and only there: colours, and a line of progress."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from scoreserve.logs import PLAIN, RED, wants_color

_CLEAR_LINE = "\r\x1b[K"
_CODES = {"green": "\x1b[32m", "yellow": "\x1b[33m", "red": RED}


def coloured(text: str, colour: str, stream: TextIO) -> str:
    """The text in a colour, where the stream may have some: see `wants_color`."""
    return f"{_CODES[colour]}{text}{PLAIN}" if wants_color(stream) else text


def counted(number: int, what: str) -> str:
    """Such as `1 file`, `2,000 files` or `3 batches`."""
    ending = "es" if what.endswith("ch") else "s"
    return f"{number:,} {what}{'' if number == 1 else ending}"


class Progress:
    """A line on stderr that says what is being done, in the place of the last one. Where stderr is
    no terminal there is none.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = self._stream.isatty() and os.environ.get("TERM") != "dumb"

    def say(self, text: str) -> None:
        """Shows this instead of what was shown."""
        if self._shown:
            columns = os.get_terminal_size(self._stream.fileno()).columns or 80
            self._stream.write(f"{_CLEAR_LINE}{text[: columns - 1]}")
            self._stream.flush()

    def tell(self, text: str) -> None:
        """Writes a line that stays, terminal or not."""
        self.end()
        print(text, file=self._stream, flush=True)

    def end(self) -> None:
        """Takes the line away."""
        if self._shown:
            self._stream.write(_CLEAR_LINE)
            self._stream.flush()
