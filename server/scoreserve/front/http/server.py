"""Puts the front's parts together and serves them with uvicorn, on the sockets the arbiter opened.

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
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from itertools import count
from typing import Any, cast

import uvicorn

from scoreserve.front.api import docs
from scoreserve.front.api.auth import make_auth
from scoreserve.front.api.health import Health, Live, Ready
from scoreserve.front.api.metrics import MetricsEndpoint, Sources
from scoreserve.front.api.routes import Route, create_app
from scoreserve.front.api.score import ScoreEndpoint
from scoreserve.front.api.score_handler import ScoreHandler
from scoreserve.front.api.swagger import SwaggerEndpoint
from scoreserve.front.http.connection import HttpConnection
from scoreserve.front.http.connection_limits import ClientTimeouts, ConnectionLimits
from scoreserve.front.http.fast_path import FastPath
from scoreserve.front.http.fd_limits import most_connections, raise_limit
from scoreserve.front.http.listener import accept_the_last
from scoreserve.front.http.shutdown_state import ShutdownState
from scoreserve.front.messages.cors import Cors
from scoreserve.front.messages.replies import Replies
from scoreserve.front.observe.access_log import AccessLog
from scoreserve.front.observe.batching_totals import BatchingTotals
from scoreserve.front.observe.counters import Metrics
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.supervisor import Supervisor
from scoreserve.settings import Settings

_LOOK_SECONDS = 0.05  # between looks at the connections while draining
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

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def look_at_clients(self) -> None:
        """Ends the connections of clients that took too long. To be called about once a second."""
        now = asyncio.get_running_loop().time()
        self._clients.look(self._connections, now)

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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends as drawn above, from the new connections on."""
        await self._accept_no_more(sockets or [])
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.drain_seconds
        for tick in count():
            if self.force_exit or not self._connections or loop.time() >= deadline:
                break
            self.look_at_clients()
            await asyncio.sleep(_LOOK_SECONDS)
            await self.on_tick(tick)
        if self._connections:
            await self._cut_off()

    @property
    def _connections(self) -> set[HttpConnection]:
        return cast("set[HttpConnection]", self.server_state.connections)

    def _begin_draining(self) -> None:
        self._clients.draining.begin()
        for connection in self._connections:
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
        while self._connections and loop.time() < deadline:
            for connection in list(self._connections):
                connection.close_if_done()
            await asyncio.sleep(_LOOK_SECONDS)
        for connection in list(self._connections):
            connection.transport.abort()


def make_server(
    settings: Settings,
    dispatcher: DispatchLoop,
    supervisor: Supervisor,
    log: AccessLog,
    each_second: Callable[[], Awaitable[None]],
) -> HttpServer:
    """The server for these settings. `each_second` is awaited about once a second."""
    cors = Cors(settings.cors_origins) if settings.cors_origins else None
    replies = Replies(settings.version_header, cors)
    auth = make_auth(settings, replies)
    draining = ShutdownState()
    metrics = Metrics()
    # Where keys are needed, OPTIONS is answered here: a preflight carries none.
    scoring = ScoreHandler(
        dispatcher,
        replies,
        supervisor.never_ready,
        lambda: supervisor.script.raw and auth is None,
        metrics=metrics,
    )
    batches = BatchingTotals(metrics)
    supervisor.on_batch_counts = batches.report
    ready = Ready(
        replies,
        supervisor,
        dispatcher,
        draining=lambda: draining.begun,
        batching=lambda: batches.details(dispatcher.batching),
    )
    sources = Sources(
        metrics,
        dispatcher,
        supervisor.report,
        ready.is_ready,
        lambda: cast("Iterable[HttpConnection]", server.server_state.connections),
        settings.workers,
    )
    app = create_app(
        score=ScoreEndpoint(scoring, settings.max_body_bytes),
        swagger=SwaggerEndpoint(replies, supervisor.never_ready, lambda: supervisor.script.swagger),
        others={
            "/": Route(Health(replies, lambda: draining.error() or supervisor.not_ready())),
            "/health/live": Route(Live(replies)),
            "/health/ready": Route(ready),
            "/metrics": Route(MetricsEndpoint(replies, sources)),
            **docs.routes(),
        },
        log=log,
        metrics=metrics,
        auth=auth,
    )
    counters = metrics.route("/score")
    shared = FastPath(scoring, settings.max_body_bytes, log, counters, auth)
    most = most_connections(settings.max_connections, raise_limit(), settings.workers)
    slow = settings.client_timeout_seconds
    timeouts = ClientTimeouts(settings.keep_alive_seconds, head_seconds=slow, slow_seconds=slow)
    clients = ConnectionLimits(most, timeouts, draining, metrics.refused)
    fast_path = shared if settings.fast_path else None

    async def every_second() -> None:
        await each_second()
        server.look_at_clients()
        if auth is not None:
            auth.refresh()

    config = uvicorn.Config(
        app,
        http=cast("Any", partial(HttpConnection, clients=clients, fast_path=fast_path)),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the reference shows scripts the peer's own address
        callback_notify=every_second,
        timeout_notify=1,
    )
    server = HttpServer(config, clients, settings, supervisor.refuse_all)
    return server
