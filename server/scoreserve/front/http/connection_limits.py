"""How long the clients of a server may keep it waiting, and how many there may be.

All connections are looked at once a second, so that no request pays for a timer. A client that is
waited for is one of these:

    IDLE     between requests          closed when it has been quiet for the keep-alive time
    HEAD     sending a request's head  answered 408 when the whole head takes too long
    BODY     sending a body            answered 408 when nothing of it comes for too long
    TAKING   taking its response       cut off when it takes nothing of it for too long

When there are as many as may be, a new one takes the place of those that have been idle longest, or
else of some that are sending a head, which an honest client does in one piece, or else of some that
send a body more slowly than any honest client. Only where all others are being served, or were
within the last second, is it refused. So neither idle nor slow clients keep an active one out. Slow
bodies give way too where there is no memory for another body.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import NamedTuple, Protocol

from scoreserve.errors import ReplyError, RequestTimeout, Stopping
from scoreserve.front.http.shutdown_state import ShutdownState
from scoreserve.front.messages.replies import Reply

_MAKE_ROOM = 20  # one in so many idle connections is closed at once: looking for them costs


class Awaiting(enum.Enum):
    """What the server waits for on a connection."""

    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    TAKING = enum.auto()


class ClientTimeouts(NamedTuple):
    """How long, in seconds, a client may be waited for, and what one is answered that is not waited
    for any longer.
    """

    idle_seconds: float
    head_seconds: float
    slow_seconds: float  # without a byte of a body, or of a response, moving
    error: type[RequestTimeout | Stopping] = RequestTimeout

    def of(self, awaiting: Awaiting) -> float:
        if awaiting is Awaiting.IDLE:
            return self.idle_seconds
        return self.head_seconds if awaiting is Awaiting.HEAD else self.slow_seconds


# A client under load sends its next request within milliseconds. All in all less than the 10 s
# after which docker kills.
_WHILE_DRAINING = ClientTimeouts(0.25, head_seconds=1.0, slow_seconds=5.0, error=Stopping)


class Connection(Protocol):
    """What is asked of a client's connection."""

    @property
    def awaiting(self) -> Awaiting | None:
        """What its client is waited for, if it is."""

    @property
    def quiet_since(self) -> float | None:
        """Since when, or None where something moved since the last look."""

    @property
    def lags(self) -> bool:
        """Whether its client sends a body so slowly that it may be ended for another's sake."""

    def look(self, now: float, timeouts: ClientTimeouts) -> None:
        """Ends it if its client took too long."""

    def give_way(self) -> None:
        """Ends it for another's sake."""


class ConnectionLimits:
    """The rules for the clients of one server. `most` may be connected at once. `refused` is told
    of each reply to what is no request, and of its error.
    """

    def __init__(
        self,
        most: int,
        timeouts: ClientTimeouts,
        draining: ShutdownState,
        refused: Callable[[Reply, ReplyError], None] = lambda *_: None,
    ) -> None:
        self.most = most
        self.draining = draining
        self.refused = refused
        self._timeouts = timeouts

    def look(self, connections: Iterable[Connection], now: float) -> None:
        """Ends the connections of clients that took too long."""
        timeouts = _WHILE_DRAINING if self.draining.begun else self._timeouts
        for connection in list(connections):
            connection.look(now, timeouts)

    def make_room(self, connections: set[Connection], newcomer: Connection) -> bool:
        """Closes what may be closed for a newcomer; returns False when there is no such thing."""
        idle: list[tuple[float, Connection]] = []
        slow: list[tuple[float, Connection]] = []
        sending: list[tuple[float, Connection]] = []
        lagging: list[tuple[float, Connection]] = []
        for other in connections - {newcomer}:
            since = other.quiet_since
            if other.awaiting is Awaiting.IDLE and since is not None:
                idle.append((since, other))
            elif other.awaiting is Awaiting.HEAD:
                (sending if since is None else slow).append((since or 0.0, other))
            elif other.lags:
                lagging.append((since or 0.0, other))
        found = idle or slow or sending or lagging
        found.sort(key=itemgetter(0))
        for _, other in found[: len(found) // _MAKE_ROOM + 1]:
            connections.discard(other)
            other.give_way()
        return bool(found)

    @staticmethod
    def end_slow_bodies(connections: Iterable[Connection]) -> bool:
        """Ends the connections whose clients send a body too slowly; returns whether there were
        any.
        """
        lagging = [connection for connection in connections if connection.lags]
        for connection in lagging:
            connection.give_way()
        return bool(lagging)
