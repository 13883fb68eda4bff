"""A client's connection to a front, from the bytes it sends to the bytes it gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple, cast

import uvicorn
from uvicorn.server import ServerState

from scoreserve import wire
from tests.front.conftest import FakeFront
from tests.front.fakes import FakeClientTransport, outcome_of, turns


class Response(NamedTuple):
    """A response as it was written; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """A client's connection to a front. To be made in a running event loop."""

    def __init__(self, front: FakeFront, *, fast: bool) -> None:
        self.front = front
        self.transport = FakeClientTransport()
        config = uvicorn.Config(cast("Any", front.app), log_config=None, lifespan="off", ws="none")
        config.load()
        state = ServerState()
        parts = front.parts._replace(settings=replace(front.parts.settings, fast_path=fast))
        self.protocol = parts.connection(config, state, {})
        self.protocol.connection_made(self.transport)
        self.started = self.protocol.loop.time()

    async def send(self, *pieces: bytes) -> None:
        """The client sends these bytes, and all that follows from each piece happens."""
        for piece in pieces:
            self.protocol.data_received(piece)
            await turns()

    def send_no_more(self) -> bool:
        """The client ends what it sends; returns whether its connection is kept."""
        return self.protocol.eof_received()

    async def leave(self) -> None:
        """The client closes the connection."""
        self.lose()
        await turns()

    def lose(self) -> None:
        """The connection is lost; nothing else has happened yet."""
        self.transport.closed = True
        self.protocol.connection_lost(None)

    def drain(self) -> None:
        """The server begins to stop."""
        self.front.parts.shutdown.begin()
        self.protocol.finish()

    async def work(self) -> None:
        """The worker answers all it is handed."""
        self.front.hand_over()
        self.front.answer()
        await turns()

    async def begin_stream(self) -> None:
        """The worker answers what it is handed with a body that is to follow."""
        self.front.hand_over()
        self.begin_stream_now()
        await turns()

    def begin_stream_now(self) -> None:
        worker, flags = self.front.worker, wire.RAN | wire.STREAMED
        self.front.dispatcher.complete(
            worker, [outcome_of(job, flags=flags) for job in worker.in_flight]
        )

    @property
    def bodies(self) -> list[bytes]:
        """Those of the jobs that the worker has in hand."""
        return [job.body for job in self.front.worker.in_flight]

    @property
    def responses(self) -> list[Response]:
        """All that is written; no response is incomplete."""
        found, data = [], self.transport.written
        while data:
            head, _, data = data.partition(b"\r\n\r\n")
            status, *lines = head.decode().split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            length = int(headers.get("content-length", 0))
            found.append(Response(int(status.split()[1]), headers, data[:length]))
            assert len(data) >= length
            data = data[length:]
        return found

    @property
    def response(self) -> Response:
        (response,) = self.responses
        return response


def request(
    body: bytes = b"", *headers: bytes, version: bytes = b"1.1", target: bytes = b"/score"
) -> bytes:
    lines = [b"POST %b HTTP/%b" % (target, version), b"Host: test", *headers]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"", body])


def chunked(*chunks: bytes) -> bytes:
    head = b"POST /score HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
