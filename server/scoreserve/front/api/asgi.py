"""Between ASGI's messages and the front's own RequestHead and Reply."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from typing import Any

from scoreserve.errors import BodyTooLarge
from scoreserve.front.messages.body_stream import BodyStream, StreamBroken
from scoreserve.front.messages.replies import Reply, lines_of
from scoreserve.wire import RequestHead

# How long a refused client may go on sending before its connection is closed under it.
LINGER_SECONDS = 2.0

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class ClientGone(Exception):
    """The client left before its request was complete."""


def request_head(scope: Scope) -> RequestHead:
    """The head of an ASGI HTTP request."""
    client = scope.get("client")
    return RequestHead(
        scope["method"].encode(),
        scope.get("raw_path") or scope["path"].encode(),
        scope["query_string"],
        scope["http_version"].encode(),
        scope["scheme"].encode(),
        b"%b:%d" % (client[0].encode(), client[1]) if client else b"",
        scope["headers"],
    )


async def read_body(receive: Receive, head: RequestHead, limit: int) -> list[bytes]:
    """The body's chunks as they came.

    Raises BodyTooLarge as soon as the declared or the received length passes `limit` bytes, and
    ClientGone.
    """
    declared = head.header(b"content-length")
    if declared is not None and int(declared) > limit:
        raise BodyTooLarge(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks


async def send_reply(reply: Reply, receive: Receive, send: Send) -> None:
    """Sends a reply. A streamed one is sent as it comes, until its end or the client's."""
    headers = reply.headers
    if reply.close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if reply.close:
        await send({"type": "http.response.body", "body": reply.body, "more_body": True})
        await _linger(receive)
        await send({"type": "http.response.body", "body": b""})
    elif reply.stream is None:
        await send({"type": "http.response.body", "body": reply.body})
    else:
        await _send_stream(reply.stream, receive, send)


async def _linger(receive: Receive) -> None:
    """Throws away what a refused client goes on sending, for a while.

    Closed at once, the connection would be reset under it, and it might never read the answer.
    """
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(_discard(receive), LINGER_SECONDS)


async def _discard(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return


async def gather(reply: Reply, stream: BodyStream) -> Reply | None:
    """A streamed reply as a whole one, or None if its body broke off.

    For HTTP/1.0, which has no chunks, where an ASGI server would send some all the same.
    """
    chunks = []
    try:
        while (chunk := await stream.next_chunk()) is not None:
            chunks.append(chunk)
    except StreamBroken:
        return None
    finally:
        stream.close()
    body = b"".join(chunks)
    length = (b"content-length", b"%d" % len(body))
    return replace(reply, head=reply.head + lines_of([length]), body=body, stream=None)


async def _send_stream(stream: BodyStream, receive: Receive, send: Send) -> None:
    client_gone = asyncio.ensure_future(disconnected(receive))
    try:
        while True:
            chunk = asyncio.ensure_future(stream.next_chunk())
            await asyncio.wait({chunk, client_gone}, return_when=asyncio.FIRST_COMPLETED)
            if not chunk.done():
                chunk.cancel()
                return
            content = chunk.result()
            await send(
                {
                    "type": "http.response.body",
                    "body": content or b"",
                    "more_body": content is not None,
                }
            )
            if content is None:
                return
    except StreamBroken:
        pass  # an incomplete body: the ASGI server closes the connection, which tells the client
    finally:
        client_gone.cancel()
        stream.close()


async def disconnected(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
