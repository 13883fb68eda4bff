"""The switch in front of a service: `python -m scoreserve.deploy.running.switch`, process 1 of a
container of its own.

It holds the service's port for as long as the service exists, and passes each connection on to the
container that serves: an update changes which one, and no connection is refused meanwhile. Bytes
pass as they are. A connection stays with the container that it came to; that one ends it when it is
stopped, with `Connection: close`.

    LIVE_PORT         → the container that serves
    CANDIDATE_PORT    → the one that is to take its place, for asking whether it is healthy

Where they lead is in a file, which `set` replaces and `show` prints.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from typing import cast

LIVE_PORT, CANDIDATE_PORT = 5001, 5002
LISTENING = "listening"  # what it prints then
_ROUTES_FILE = "/tmp/scoreserve-routes.json"  # noqa: S108  # of a container that has nothing else
_CONNECT_SECONDS = 5.0
_HIGH_WATER_BYTES = 1 << 20  # what may wait for a slow receiver before its sender has to


@dataclass(frozen=True)
class Routes:
    """Where connections go, as HOST:PORT; empty: nowhere. `proven`: the live container has been
    healthy.
    """

    live: str = ""
    candidate: str = ""
    proven: bool = False

    @classmethod
    def from_text(cls, text: str) -> Routes:
        """What `text` prints. Raises ValueError."""
        found = json.loads(text)
        return cls(str(found["live"]), str(found["candidate"]), bool(found["proven"]))

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


def address(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT. Raises ValueError."""
    host, _, port = text.rpartition(":")
    return host, int(port)


class RoutesFile:
    """The file, read again when it has been replaced."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._routes = Routes()

    @property
    def routes(self) -> Routes:
        """As they are now; none before the first are set."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return self._routes
        if self._seen != (found.st_ino, found.st_mtime_ns):
            with open(self._path, encoding="utf-8") as file:
                self._routes = Routes.from_text(file.read())
            self._seen = (found.st_ino, found.st_mtime_ns)
        return self._routes

    def replace(self, routes: Routes) -> None:
        """At once for whoever reads."""
        new = f"{self._path}.{os.getpid()}"
        with open(new, "w", encoding="utf-8") as file:
            file.write(routes.text)
        os.replace(new, self._path)


class Side(asyncio.Protocol):
    """One of the two connections; what it receives goes out of the other."""

    def __init__(self) -> None:
        self.other: Side | None = None
        self.ended = False  # it sends no more
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Passes the end on, and ends both connections where the other has ended too."""
        self.ended = True
        if self.other is None or self.other.transport is None:
            return True  # it may have sent all of its request
        if not self.other.ended:
            self.other.transport.write_eof()
        return not self.other.ended  # until then the answer may be still to come

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()  # once what is written is sent


class Client(Side):
    """A client's connection, which waits until the container's is there."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target
        self._early = bytearray()  # what came before: a loop may read once more after a pause
        self._connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early += data
        else:
            super().data_received(data)

    async def _connect(self) -> None:
        assert self.transport is not None
        container = Side()
        container.other = self
        try:
            host, port = address(self._target)
            connecting = asyncio.get_running_loop().create_connection(lambda: container, host, port)
            await asyncio.wait_for(connecting, _CONNECT_SECONDS)
        except (OSError, ValueError, asyncio.TimeoutError):
            self.transport.abort()  # as where nobody listens
            return
        assert container.transport is not None
        self.other = container
        container.transport.write(bytes(self._early))
        if self.transport.is_closing():
            container.transport.close()
        elif self.ended:
            container.transport.write_eof()
        else:
            self.transport.resume_reading()


async def serve(path: str, live_port: int, candidate_port: int) -> None:
    """Passes connections on until SIGTERM."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    file = RoutesFile(path)
    async with contextlib.AsyncExitStack() as stack:
        for port, make in (
            (live_port, lambda: Client(file.routes.live)),
            (candidate_port, lambda: Client(file.routes.candidate)),
        ):
            listener = await loop.create_server(make, "0.0.0.0", port, backlog=1024)
            stack.callback(listener.close)
        os.write(1, f"{LISTENING}\n".encode())  # in one part
        await stopped.wait()


def main(words: list[str]) -> None:
    """`serve`, `show`, or `set ROUTES`."""
    file = RoutesFile(_ROUTES_FILE)
    if words[:1] == ["set"]:
        file.replace(Routes.from_text(words[1]))
    elif words == ["show"]:
        print(file.routes.text)
    else:
        import uvloop

        uvloop.install()
        asyncio.run(serve(_ROUTES_FILE, LIVE_PORT, CANDIDATE_PORT))


if __name__ == "__main__":
    main(sys.argv[1:])
