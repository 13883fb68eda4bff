"""What a command shows on a terminal, and only there: colours, and a line of progress."""

from __future__ import annotations

import os
import sys
from typing import TextIO

_CLEAR_LINE = "\r\x1b[K"
_CODES = {"green": "32", "yellow": "33", "red": "31", "bold": "1", "dim": "2"}


def has_colours(stream: TextIO) -> bool:
    """Whether colours may be written: to a terminal that knows them, unless NO_COLOR is set (see
    https://no-color.org).
    """
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def coloured(text: str, colour: str, stream: TextIO) -> str:
    """The text in a colour, or as it is where there are none."""
    return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if has_colours(stream) else text


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
