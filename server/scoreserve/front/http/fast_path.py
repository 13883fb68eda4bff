"""What the connections of one server share on the fast path to /score, see `score_cycle`."""

from __future__ import annotations

from dataclasses import dataclass, field

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from scoreserve.front.api.auth import ApiKeyAuth
from scoreserve.front.api.score_handler import ScoreHandler
from scoreserve.front.messages.replies import Reply, lines_of
from scoreserve.front.messages.request_heads import HeadCache
from scoreserve.front.observe.counters import RouteCounters
from scoreserve.front.observe.request_log import RequestLog


class DefaultLines:
    """The header lines of every response: uvicorn makes a new list of them each second."""

    def __init__(self) -> None:
        self._headers: list[tuple[bytes, bytes]] = []
        self._lines = b""

    def of(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        """The lines of uvicorn's present list."""
        if headers is not self._headers:
            self._headers, self._lines = headers, lines_of(headers)
        return self._lines


@dataclass(frozen=True)
class FastPath:
    """What the connections of one server share. Bodies may have up to `max_body_bytes`."""

    handler: ScoreHandler
    max_body_bytes: int
    log: RequestLog
    counters: RouteCounters
    auth: ApiKeyAuth | None = None
    head_cache: HeadCache = field(default_factory=HeadCache)
    default_lines: DefaultLines = field(default_factory=DefaultLines)


def render(
    reply: Reply, every: bytes, body: bytes = b"", framing: bytes = b"", *, keep_alive: bool
) -> bytes:
    """The response's bytes: with the header lines of `every` response, those that describe the
    body's `framing`, and the `body`, unless it is to follow.
    """
    end = b"\r\n" if keep_alive else b"connection: close\r\n\r\n"
    status: bytes = STATUS_LINE[reply.status]
    return b"%b%b%b%b%b%b" % (status, every, reply.head, framing, end, body)
