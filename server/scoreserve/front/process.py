"""The front process: starts the workers, serves HTTP until a signal, stops the workers.

SIGTERM          drain: no new connections, answer what is in hand, then leave
SIGINT, SIGQUIT  stop at once: what is in hand is answered 503
no worker        exit code 3, which ends the arbiter and with it the container
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys

import uvloop

from scoreserve.errors import EXIT_BOOT
from scoreserve.front.dispatcher import Dispatcher
from scoreserve.front.supervisor import Supervisor
from scoreserve.logs import JsonFormatter
from scoreserve.settings import Settings

_GC_THRESHOLD = 20_000  # objects


def run(settings: Settings, sockets: list[socket.socket], *, custom_logs: bool) -> None:
    """Serves on the listening `sockets` until told to stop. `custom_logs`: see AccessLog."""
    JsonFormatter.role = "front"
    front = Front(settings, sockets, custom_logs=custom_logs)
    # Requests make few reference cycles but many objects: at the default threshold of 700 the
    # collector took a tenth of the front's time. What start-up made need never be looked at again.
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    uvloop.run(front.serve())
    if front.gave_up:
        sys.exit(EXIT_BOOT)


class Front:
    """Dispatcher, supervisor and HTTP server of one front process."""

    def __init__(
        self, settings: Settings, sockets: list[socket.socket], *, custom_logs: bool
    ) -> None:
        self.gave_up = False
        self._sockets = sockets
        self._parent = os.getppid()
        dispatcher = Dispatcher(
            lambda run: asyncio.get_running_loop().call_soon(run),
            lambda seconds, run: asyncio.get_running_loop().call_later(seconds, run),
        )
        self._supervisor = Supervisor(settings, dispatcher, self._give_up)
        self._supervisor.spawn()
        # Imported while the workers start: it takes about as long as their own imports.
        from scoreserve.front.access_log import AccessLog
        from scoreserve.front.http_server import make_server

        log_class = AccessLog
        if settings.log_format == "json" and not custom_logs:
            from scoreserve.front.access_log_json import JsonAccessLog

            log_class = JsonAccessLog
        self._log = log_class(
            lambda seconds, run: asyncio.get_running_loop().call_later(seconds, run),
            direct=not custom_logs,
        )
        self._server = make_server(
            settings, dispatcher, self._supervisor, self._log, self._each_second
        )

    async def serve(self) -> None:
        """Serves until a signal, or until no worker can be had."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._drain)
        for number in (signal.SIGINT, signal.SIGQUIT):
            loop.add_signal_handler(number, self._stop_now)
        await self._supervisor.start()
        try:
            await self._server.serve(self._sockets)
        finally:
            await self._supervisor.stop()
            self._log.flush()

    def _drain(self) -> None:
        self._server.should_exit = True

    def _stop_now(self) -> None:
        self._supervisor.refuse_all()
        self._server.should_exit = True
        self._server.force_exit = True

    def _give_up(self) -> None:
        self.gave_up = True
        self._stop_now()

    async def _each_second(self) -> None:
        self._supervisor.end_hung_workers()
        if os.getppid() != self._parent:  # the arbiter is gone, and the listening with it
            self._stop_now()
