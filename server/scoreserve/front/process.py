"""The front process: starts the workers, serves HTTP until a signal, stops the workers.

    SIGTERM          drain: no new connections, answer what is in hand, then leave
    SIGINT, SIGQUIT  stop at once: what is in hand is answered 503
    no worker        exit code 3, which ends the arbiter and with it the container
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator

import uvloop

from scoreserve.errors import EXIT_BOOT
from scoreserve.front.dispatcher import Dispatcher
from scoreserve.front.supervisor import Supervisor
from scoreserve.settings import Settings

# Longer than the 60 s for which load balancers commonly keep a connection: the side that reuses it
# must not be the one that finds it closed.
_KEEP_ALIVE_SECONDS = 75


def run(settings: Settings, sockets: list[socket.socket]) -> None:
    """Serves on the listening `sockets` until told to stop."""
    front = Front(settings, sockets)
    uvloop.run(front.serve())
    if front.gave_up:
        sys.exit(EXIT_BOOT)


class Front:
    """Dispatcher, supervisor and HTTP server of one front process."""

    def __init__(self, settings: Settings, sockets: list[socket.socket]) -> None:
        self.gave_up = False
        self._settings = settings
        self._sockets = sockets
        self._parent = os.getppid()
        self._dispatcher = Dispatcher(lambda run: asyncio.get_running_loop().call_soon(run))
        self._supervisor = Supervisor(settings, self._dispatcher, self._give_up)
        self._supervisor.spawn()
        # Imported while the workers start: this takes about as long as their own imports.
        import uvicorn

        class Server(uvicorn.Server):
            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield  # the signals are the front's, see `_take_signals`

        self._server = Server(self._uvicorn_config())

    async def serve(self) -> None:
        self._take_signals()
        await self._supervisor.start()
        try:
            await self._server.serve(self._sockets)
        finally:
            await self._supervisor.stop()

    def _uvicorn_config(self) -> uvicorn.Config:
        import uvicorn

        from scoreserve.front.app import Health, create_app
        from scoreserve.front.replies import Replies
        from scoreserve.front.score_endpoint import ScoreEndpoint
        from scoreserve.front.scoring import Scoring

        replies = Replies(self._settings.version_header)
        scoring = Scoring(self._dispatcher, replies, self._supervisor.never_ready)
        health = Health(replies, self._supervisor.not_ready)
        return uvicorn.Config(
            create_app(ScoreEndpoint(scoring, self._settings.max_body_bytes), health),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # the reference shows scripts the peer's own address
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=self._settings.drain_seconds,
            callback_notify=self._stop_if_orphaned,
            timeout_notify=1,
        )

    def _take_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._drain)
        for number in (signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(number, self._stop_now)

    def _drain(self) -> None:
        self._server.should_exit = True

    def _stop_now(self) -> None:
        self._supervisor.refuse_all()
        self._server.should_exit = True
        self._server.force_exit = True

    def _give_up(self) -> None:
        self.gave_up = True
        self._stop_now()

    async def _stop_if_orphaned(self) -> None:
        if os.getppid() != self._parent:
            self._stop_now()
