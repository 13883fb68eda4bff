"""Why a server did not start, as its last words: what, where, and what to do about it.

Whoever finds the reason makes a StartFailure: the command line, the arbiter, the front, or a
worker, which hands it up. The process that was started tells it when all others have gone, so that
nothing stands below it in the log.
"""

from __future__ import annotations

import json
import logging
import sys
import textwrap
from typing import NamedTuple

from scoreserve.logs import PLAIN, RED, wants_color

_COLUMNS, _INDENT = 78, 9
_LONGEST = 1500  # characters of each part that are handed from process to process

_log = logging.getLogger("azmlinfsrv")


class StartFailure(NamedTuple):
    """`where` is a place in the user's own files or settings; `served` says that the server ended
    later, when it had served.
    """

    what: str
    where: str = ""
    remedy: str = ""
    served: bool = False

    @property
    def headline(self) -> str:
        return "scoreserve could not go on" if self.served else "scoreserve could not start"

    @property
    def line(self) -> str:
        """All of it in one line."""
        where = f" in {self.where.replace(chr(10), ': ')}" if self.where else ""
        remedy = f": {self.remedy}" if self.remedy else ""
        return " ".join(f"{self.what.rstrip('.')}{where}{remedy}".split())

    @property
    def told(self) -> str:
        """What, where and what to do, below each other."""
        parts = (
            ("What", _wrapped(self.what)),
            ("Where", self.where.splitlines()),  # a line of source stays one
            ("To do", _wrapped(self.remedy)),
        )
        below = "\n" + " " * _INDENT
        return "\n".join(name.ljust(_INDENT) + below.join(lines) for name, lines in parts if lines)

    @property
    def block(self) -> str:
        """The same, between a headline and an end."""
        headline = f" {self.headline} ".center(_COLUMNS, "-")
        return f"{headline}\n{self.told}\n{'-' * _COLUMNS}"

    def to_json(self) -> bytes:
        """For another process; `from_json` reads it back."""
        shortened = self._replace(
            what=self.what[:_LONGEST], where=self.where[:_LONGEST], remedy=self.remedy[:_LONGEST]
        )
        return json.dumps(shortened).encode()

    @classmethod
    def from_json(cls, text: bytes) -> StartFailure:
        return cls(*json.loads(text))


def _wrapped(text: str) -> list[str]:
    """Its lines, none of them longer than need be; no path or command is broken in a word."""
    wrapper = textwrap.TextWrapper(
        _COLUMNS - _INDENT, break_long_words=False, break_on_hyphens=False
    )
    return [part for line in text.splitlines() for part in wrapper.wrap(line)]


def tell(failure: StartFailure, *, as_json: bool = False) -> None:
    """Writes it to the log: as one record of JSON, or as a block on stderr, which a logging.json
    has no say in.
    """
    if as_json:
        _log.critical("%s: %s", failure.headline, failure.line)
        return
    rule, *rest = failure.block.splitlines()
    if wants_color(sys.stderr):
        rule = f"{RED}{rule}{PLAIN}"
    print(rule, *rest, sep="\n", file=sys.stderr, flush=True)
