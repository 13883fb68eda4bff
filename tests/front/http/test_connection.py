"""uvicorn's protocol as we mend it: the same requests, however their bytes come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from scoreserve.front.http.connection import HttpConnection
from scoreserve.front.http.connection_limits import ClientTimeouts, ConnectionLimits
from scoreserve.front.http.shutdown_state import ShutdownState
from tests.front.fakes import FakeClientTransport, turns

BODY = b"upgrade: in\r\n\r\nupgrade: a\r\nUpgrade: body\r\n\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAE\r\n"


def request(body: bytes, headers: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /score HTTP/1.1\r\nHost: test\r\n" + headers + length + b"\r\n" + body


async def _bodies(pieces: Iterable[bytes]) -> list[bytes]:
    bodies: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        bodies.append(body)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    config = uvicorn.Config(cast("Any", app), log_config=None, lifespan="off", ws="none")
    config.load()
    clients = ConnectionLimits(1000, ClientTimeouts(75, 30, 30), ShutdownState())
    protocol = HttpConnection(
        config=config, server_state=ServerState(), app_state={}, clients=clients
    )
    protocol.connection_made(FakeClientTransport())
    for piece in pieces:
        protocol.data_received(piece)
        await turns(3)
    await turns()
    protocol.connection_lost(None)
    return bodies


def bodies(*pieces: bytes) -> list[bytes]:
    """The bodies of the requests in these pieces, as the application got them."""
    return asyncio.run(_bodies(pieces))


def test_a_request_that_offers_an_upgrade_keeps_its_body() -> None:
    assert bodies(request(BODY, UPGRADE)) == [BODY]


def test_so_does_one_that_offers_it_after_another_request() -> None:
    assert bodies(request(BODY), request(BODY, UPGRADE)) == [BODY, BODY]


def test_so_does_one_that_is_sent_together_with_the_one_before_it() -> None:
    assert bodies(request(b"first") + request(BODY, UPGRADE)) == [b"first", BODY]


@pytest.mark.parametrize("headers", [b"", UPGRADE], ids=["plain", "upgrade"])
def test_so_does_one_that_is_split_anywhere(headers: bytes) -> None:
    data = request(BODY, headers)
    wrong = [cut for cut in range(len(data)) if bodies(data[:cut], data[cut:]) != [BODY]]
    assert wrong == []
