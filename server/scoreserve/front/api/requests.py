"""From Starlette's request to what the front knows of one: its head, and its body in pieces."""

from __future__ import annotations

from typing import Protocol

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


class Memory(Protocol):
    """Where the memory for bodies comes from, see ScoreHandler."""

    def hold(self, size: int) -> None: ...

    def release(self, size: int) -> None: ...


async def read_body(request: Request, head: RequestHead, limit: int, memory: Memory) -> list[Chunk]:
    """The body's chunks as they came, for which memory is held.

    Raises BodyTooLarge as soon as the declared or the received length passes `limit` bytes,
    TooManyBytes where there is no memory, and Starlette's ClientDisconnect.
    """
    declared = int(head.header(b"content-length") or b"0")
    if declared > limit:
        raise BodyTooLarge(limit)
    memory.hold(declared)
    held = declared
    chunks: list[Chunk] = []
    size = 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge(limit)
            if size > held:
                memory.hold(size - held)
                held = size
            chunks.append(chunk)
    except BaseException:
        memory.release(held)
        raise
    return chunks
