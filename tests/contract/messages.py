"""The messages of an exchange: a request ready for the wire, and the reply to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

Headers = tuple[tuple[str, str], ...]


class Outcome(Enum):
    """How an exchange ended."""

    REPLY = "reply"
    CLOSED = "closed"  # the connection ended before a complete reply
    TIMEOUT = "timeout"  # no complete reply within the request's deadline


@dataclass(frozen=True)
class Reply:
    outcome: Outcome
    status: int | None = None
    headers: Headers = ()
    body: bytes = b""
    interim: tuple[int, ...] = ()  # 1xx statuses that came before the reply

    def header(self, name: str) -> str | None:
        """The first value of a header, by name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class OursInstead:
    """What our reply has instead of the reference's, where a difference is named.

    A text in slashes is a regular expression. A header of None must be absent.
    """

    status: int | None = None
    interim: list[int] | None = None
    headers: Mapping[str, str | None] | None = None
    json: Any = ...  # ... means: not given
    body: str | None = None


@dataclass(frozen=True)
class Request:
    head: bytes  # request line and headers, blank line included
    body: bytes  # as framed
    method: str
    headers: Headers
    label: str  # one line for messages

    # What the reference answers. It documents the case and keeps two equal mistakes from passing.
    status: int | Outcome
    contains: tuple[str, ...]

    difference: str | None
    ours: OursInstead | None

    to_health_port: bool
    expect_continue: bool  # sends the body only after an interim reply
    read_limit: int | None  # hangs up after so many bytes of the reply's body
    deadline_seconds: float
    background: bool  # goes on with the next request before this one is answered
    after_log: str | None  # waits for this line in the server's output first
