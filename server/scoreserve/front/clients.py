"""How long the clients of a server may keep it waiting, and how many there may be.

All connections are looked at once a second, so that no request pays for a timer. A client that is
waited for is one of these:

    IDLE     between requests          closed when it has been quiet for the keep-alive time
    HEAD     sending a request's head  answered 408 when the whole head takes too long
    BODY     sending a body            answered 408 when nothing of it comes for too long
    TAKING   taking its response       cut off when it takes nothing of it for too long

When there are as many as may be, a new one takes the place of those that have been idle longest, or
else of one that has been sending a head for longest. Only where all others are being served is it
refused. So neither idle nor slow clients keep an active one out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from scoreserve.errors import RequestTimeout, Stopping
from scoreserve.front.draining import Draining

_MAKE_ROOM = 20  # one in so many idle connections is closed at once: looking for them costs


class Waiting(enum.Enum):
    """What the server waits for on a connection."""

    IDLE = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    TAKING = enum.auto()


class Patience(NamedTuple):
    """How long, in seconds, a client may be idle or slow, and what a slow one is answered."""

    idle_seconds: float = 75.0
    slow_seconds: float = 30.0
    error: type[RequestTimeout | Stopping] = RequestTimeout

    def of(self, waiting: Waiting) -> float:
        return self.idle_seconds if waiting is Waiting.IDLE else self.slow_seconds


# A client that is still sending may have been about to be done; one that asks again at once does so
# within milliseconds. And docker kills after 10 s.
_WHILE_DRAINING = Patience(idle_seconds=0.25, slow_seconds=5.0, error=Stopping)


class Connection(Protocol):
    """What is asked of a client's connection."""

    @property
    def waiting(self) -> Waiting | None:
        """What its client is waited for, if it is."""

    @property
    def quiet_since(self) -> float | None:
        """Since when, or None where something moved since the last look."""

    def look(self, now: float, patience: Patience) -> None:
        """Ends it if its client took too long."""

    def close(self) -> None: ...


class Clients:
    """The rules for the clients of one server. `most` may be connected at once."""

    def __init__(self, most: int, patience: Patience, draining: Draining) -> None:
        self.most = most
        self.draining = draining
        self._patience = patience

    def look(self, connections: Iterable[Connection], now: float) -> None:
        """Ends the connections of clients that took too long."""
        patience = _WHILE_DRAINING if self.draining.begun else self._patience
        for connection in list(connections):
            connection.look(now, patience)

    def make_room(self, connections: set[Connection], newcomer: Connection) -> bool:
        """Closes what may be closed for a newcomer; returns False when there is no such thing."""
        waiting: dict[Waiting, list[tuple[float, int, Connection]]] = {}
        for number, other in enumerate(connections):
            what, since = other.waiting, other.quiet_since
            if what is not None and since is not None and other is not newcomer:
                waiting.setdefault(what, []).append((since, number, other))
        for what in (Waiting.IDLE, Waiting.HEAD):
            if what in waiting:
                oldest = sorted(waiting[what])[: len(waiting[what]) // _MAKE_ROOM + 1]
                for _, _, other in oldest:
                    connections.discard(other)
                    other.close()
                return True
        return False
