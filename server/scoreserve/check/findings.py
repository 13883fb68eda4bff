"""What a check finds out: one line for people, with what to do about it."""

from __future__ import annotations

import json
from enum import Enum
from typing import NamedTuple

from scoreserve.start_failure import StartFailure


class Level(str, Enum):
    """How bad it is: with an ERROR the script cannot be served, or no request answered."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(NamedTuple):
    """`about` is what was looked at, `where` a place in the user's files."""

    about: str
    level: Level
    text: str
    where: str = ""
    remedy: str = ""

    def to_json(self) -> str:
        """For another process; `from_json` reads it back."""
        return json.dumps(self)

    @classmethod
    def from_json(cls, text: str) -> Finding:
        about, level, *others = json.loads(text)
        return cls(about, Level(level), *others)


class Stopped(Exception):
    """An error was found, after which nothing more can be tried."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.text)
        self.finding = finding


def ok(about: str, text: str) -> Finding:
    return Finding(about, Level.OK, text)


def of_failure(about: str, failure: StartFailure) -> Finding:
    """The error that would keep a server from starting."""
    return Finding(about, Level.ERROR, failure.what, failure.where, failure.remedy)
