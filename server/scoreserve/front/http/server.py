"""uvicorn's server on the sockets that the arbiter opened, with an end of our own.

It ends in this order, from `stop` on:

    not ready any more       `draining.begun`: health says so, and every answer is the last on its
                             connection
    no new connections       after the drain delay; those that wait to be accepted still are
    what is in hand          is answered, what comes on connections that are open too; idle ones are
                             closed
    the time is up           what is left is answered 503
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, cast

import uvicorn

from scoreserve.front.http.connection import HttpConnection
from scoreserve.front.http.connection_limits import ConnectionLimits
from scoreserve.front.http.listener import accept_the_last
from scoreserve.settings import Settings

_LOOK_SECONDS = 0.05  # between looks at the connections while draining
_QUICK_SECONDS = 2.0  # for workers to leave in when the server is to stop at once
_LAST_ANSWER_SECONDS = 1.0  # for answers of 503 to be taken, before the connections are cut


class HttpServer(uvicorn.Server):
    """uvicorn's server with an end of our own. The signals are `front.process`'s.

    `refuse_all` answers every request in hand with 503.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        clients: ConnectionLimits,
        settings: Settings,
        refuse_all: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._clients = clients
        self._settings = settings
        self._refuse_all = refuse_all
        self._drained_by: float | None = None  # the loop's time

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def look_at_clients(self) -> None:
        """Ends the connections of clients that took too long. To be called about once a second."""
        now = asyncio.get_running_loop().time()
        self._clients.look(self.connections, now)

    def stop(self) -> None:
        """Begins to drain."""
        if not self._clients.draining.begun:
            self._begin_draining()
            delay = self._settings.drain_delay_seconds
            asyncio.get_running_loop().call_later(delay, setattr, self, "should_exit", True)

    def stop_now(self) -> None:
        """Answers what is in hand with 503 and stops."""
        self._begin_draining()
        self._refuse_all()
        self.should_exit = self.force_exit = True

    def seconds_left(self) -> float:
        """How long what ends after this server may take, when it has ended."""
        if self.force_exit or self._drained_by is None:
            return min(_QUICK_SECONDS, self._settings.drain_seconds)
        return max(self._drained_by - asyncio.get_running_loop().time(), 0.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends as drawn above, from the new connections on."""
        await self._accept_no_more(sockets or [])
        loop = asyncio.get_running_loop()
        self._drained_by = deadline = loop.time() + self._settings.drain_seconds
        for tick in count():
            if self.force_exit or not self.connections or loop.time() >= deadline:
                break
            self.look_at_clients()
            await asyncio.sleep(_LOOK_SECONDS)
            await self.on_tick(tick)
        if self.connections:
            await self._cut_off()

    @property
    def connections(self) -> set[HttpConnection]:
        return cast("set[HttpConnection]", self.server_state.connections)

    def _begin_draining(self) -> None:
        self._clients.draining.begin()
        for connection in self.connections:
            connection.finish()

    async def _accept_no_more(self, sockets: list[socket.socket]) -> None:
        waiting = [connection for each in sockets for connection in accept_the_last(each)]
        for server in self.servers:
            server.close()
        for each in sockets:
            each.close()
        loop = asyncio.get_running_loop()
        for connection in waiting:
            await loop.connect_accepted_socket(self._make_protocol, connection)

    def _make_protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    async def _cut_off(self) -> None:
        """Answers what is left with 503, and ends the connections."""
        self._refuse_all()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LAST_ANSWER_SECONDS
        while self.connections and loop.time() < deadline:
            for connection in list(self.connections):
                connection.close_if_done()
            await asyncio.sleep(_LOOK_SECONDS)
        for connection in list(self.connections):
            connection.transport.abort()
