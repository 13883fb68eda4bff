"""Jobs as they arrive at a worker."""

from __future__ import annotations

from scoreserve import heads
from scoreserve.heads import RequestHead
from scoreserve.wire import WireJob


def head_of(
    method: str = "POST", *, query: str = "", headers: list[tuple[str, str]] | None = None
) -> RequestHead:
    """The head of a request to /score; headers default to those of a JSON body."""
    if headers is None:
        headers = [("content-type", "application/json")]
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    client = b"192.0.2.1:50000"
    return RequestHead(method.encode(), b"/score", query.encode(), b"1.1", b"http", client, pairs)


def encoded_head(
    method: str = "POST", *, query: str = "", headers: list[tuple[str, str]] | None = None
) -> bytes:
    """`head_of`, as a job carries it."""
    return heads.encode_head(head_of(method, query=query, headers=headers))


def job_of(body: bytes = b"", head: RequestHead | None = None, *, id: int = 1) -> WireJob:
    """One job; its body is a view, as it is of a receive buffer."""
    return WireJob(id, heads.encode_head(head or head_of()), memoryview(body))
