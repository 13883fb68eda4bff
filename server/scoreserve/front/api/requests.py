"""From Starlette's request to what the front knows of one: its head, and its body in pieces."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import Scope

from scoreserve.errors import BodyTooLarge
from scoreserve.heads import RequestHead
from scoreserve.wire import Chunk


def head_of(scope: Scope) -> RequestHead:
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


async def read_body(request: Request, head: RequestHead, limit: int) -> list[Chunk]:
    """The body's chunks as they came.

    Raises BodyTooLarge as soon as the declared or the received length passes `limit` bytes, and
    Starlette's ClientDisconnect.
    """
    declared = head.header(b"content-length")
    if declared is not None and int(declared) > limit:
        raise BodyTooLarge(limit)
    chunks: list[Chunk] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(limit)
        chunks.append(chunk)
    return chunks
