"""The front's Reply as a Starlette response.

Starlette's own would do for most replies. This one is for what they lack: a body that a worker
makes while it is sent ends as soon as its client leaves, a refused client gets a moment to read
why, and HTTP/1.0, which has no chunks, gets a body as a whole.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from scoreserve.front.messages.body_stream import BodyStream, StreamBroken
from scoreserve.front.messages.replies import ErrorReply, Reply, lines_of

# How long a refused client may go on sending before its connection is closed under it.
LINGER_SECONDS = 2.0

# Where a scope has the Reply that is being sent, for whoever counts and logs it.
REPLY = "scoreserve.reply"
# Where it has, for a path of another protocol than that of /score, what puts an ErrorReply into its
# words.
ERROR_WORDS = "scoreserve.error_words"


class ReplyResponse(Response):
    """Sends a Reply."""

    def __init__(self, reply: Reply) -> None:
        self.reply = reply
        self.status_code = reply.status
        self.body = reply.body
        self.background = None
        self.raw_headers = reply.headers
        if reply.close:
            self.raw_headers.append((b"connection", b"close"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reply, stream = self.reply, self.reply.stream
        if isinstance(reply, ErrorReply) and ERROR_WORDS in scope:
            await ReplyResponse(scope[ERROR_WORDS](reply))(scope, receive, send)
            return
        if stream is not None and scope["http_version"] == "1.0":
            reply = await _gathered(reply, stream)
            await ReplyResponse(reply)(scope, receive, send)
            return
        scope[REPLY] = reply
        try:
            await self._send(reply, receive, send)
        finally:
            del scope[REPLY]  # the scope stays until the connection's next request

    async def _send(self, reply: Reply, receive: Receive, send: Send) -> None:
        start: Message = {
            "type": "http.response.start",
            "status": reply.status,
            "headers": self.raw_headers,
        }
        await send(start)
        if reply.unread:
            await send({"type": "http.response.body", "body": reply.body, "more_body": True})
            await _linger(receive)
            await send({"type": "http.response.body", "body": b""})
        elif reply.stream is None:
            for part in reply.parts:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": reply.body})
        else:
            await _send_stream(reply.stream, receive, send)


class NoResponse(Response):
    """For a client that has left."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pass


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


async def _gathered(reply: Reply, stream: BodyStream) -> Reply:
    """A streamed reply as a whole one. Raises ConnectionAbortedError if its body broke off."""
    chunks = []
    try:
        while (chunk := await stream.next_chunk()) is not None:
            chunks.append(chunk)
    except StreamBroken:
        raise ConnectionAbortedError("the body broke off before any of it was sent") from None
    finally:
        stream.close()
    body = b"".join(chunks)
    head = reply.head + lines_of([(b"content-length", b"%d" % len(body))])
    total, run = reply.total_seconds, reply.run_seconds
    return Reply(reply.status, head, body, None, reply.close, total, run)


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
