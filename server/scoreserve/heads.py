"""The head of a request, and the block of bytes that it is on its way to the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from scoreserve.wire import FrameError


@dataclass
class RequestHead:
    """The part of a request that travels beside its body.

    `path` is as the client wrote it (percent-encoded), `query` without the `?`, `client` as
    `host:port`; header names are lower-case, in the order received, repeated names kept.
    `request_id` is the x-request-id of the answer, which the worker is told for its log.
    """

    method: bytes
    path: bytes
    query: bytes
    http_version: bytes
    scheme: bytes
    client: bytes
    headers: Sequence[tuple[bytes, bytes]]
    request_id: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        """The first header of that lower-case name, or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def merged_headers(self) -> dict[str, str]:
        """The headers as a WSGI server shows them to a script, names in lower case: repeated ones
        joined by a comma, and names with an underscore, which could pose as others, left out.
        """
        merged: dict[str, str] = {}
        for key, value in self.headers:
            name, text = key.decode("latin-1"), value.decode("latin-1").strip(" \t")
            if "_" not in name:
                merged[name] = f"{merged[name]},{text}" if name in merged else text
        return merged


# A head is its fields in a row with a zero byte between them, which no field can hold: HTTP allows
# none in a header, and `encode_head` refuses what a caller that is not HTTP may bring.
_FIXED_FIELDS = 6
POST: Final = b"POST\0"  # with which the encoded head of a POST begins


def encode_head(head: RequestHead, request_id: bytes = b"") -> bytes:
    """The head as one block of bytes. Raises ValueError when a field holds a zero byte."""
    before, after = encode_around_client(head)
    if b"\0" in head.client or b"\0" in request_id:
        raise ValueError("a zero byte in the client's address or in the request id")
    return b"%b%b%b%b" % (before, head.client, after, request_id)


def encode_around_client(head: RequestHead) -> tuple[bytes, bytes]:
    """What stands before the client in an encoded head, and what stands after it, to be followed by
    the request id. Raises ValueError when a field holds a zero byte.
    """
    fields = (head.method, head.path, head.query, head.http_version, head.scheme, b"")
    before = b"\0".join(fields)
    after = b"\0".join((b"", *chain.from_iterable(head.headers), b""))
    separators = 2 * len(head.headers) + 1
    if before.count(b"\0") != _FIXED_FIELDS - 1 or after.count(b"\0") != separators:
        raise ValueError("a zero byte in the request line or in a header")
    return before, after


def path_of(block: bytes) -> bytes:
    """The path in an encoded head, found out without decoding it."""
    start = block.find(b"\0") + 1
    return block[start : block.find(b"\0", start)]


def request_id_of(block: bytes) -> bytes:
    """The request id in an encoded head, found out without decoding it."""
    return block.rpartition(b"\0")[2]


def decode_head(block: bytes) -> RequestHead:
    """The inverse of `encode_head`."""
    fields = block.split(b"\0")
    request_id = fields.pop()
    if len(fields) < _FIXED_FIELDS or len(fields) % 2:
        raise FrameError("a job's head is damaged")
    method, path, query, http_version, scheme, client = fields[:_FIXED_FIELDS]
    headers = list(zip(fields[_FIXED_FIELDS::2], fields[_FIXED_FIELDS + 1 :: 2], strict=True))
    return RequestHead(method, path, query, http_version, scheme, client, headers, request_id)
