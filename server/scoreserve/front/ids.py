"""Request ids: which ones a response carries, as the reference decides it (server/routes.py).

    x-request-id            what the client sent, else a new UUID
    x-ms-request-id         the client's, else its x-ms-client-request-id, else the x-request-id
    x-ms-client-request-id  the client's, else its x-ms-request-id, else absent
    TraceId                 echoed when sent

An id of over 100 characters is answered 431, and left out of that answer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scoreserve.errors import IdTooLong

_LONGEST_ID = 100  # characters
_POOL_IDS = 256

Headers = Sequence[tuple[bytes, bytes]]


class Ids(NamedTuple):
    """The ids of one request. `head` is the block of header lines its response carries."""

    request_id: bytes
    head: bytes


def _new_ids() -> Iterator[bytes]:
    """Random UUIDs, version 4, made a pool at a time."""
    while True:
        digits = os.urandom(16 * _POOL_IDS).hex()
        for i in range(0, len(digits), 32):
            variant = "89ab"[int(digits[i + 16], 16) & 3]
            yield (
                f"{digits[i : i + 8]}-{digits[i + 8 : i + 12]}-4{digits[i + 13 : i + 16]}"
                f"-{variant}{digits[i + 17 : i + 20]}-{digits[i + 20 : i + 32]}"
            ).encode()


_pool = _new_ids()


def identify(headers: Headers) -> Ids:
    """The ids for a request with these headers (names in lower case).

    Raises IdTooLong, whose `head` holds the lines that are still to be sent.
    """
    request_id = legacy = client = trace = None
    for name, value in headers:
        # The first of several counts. Most headers fail the first test.
        if name[:1] in b"xt":
            if name == b"x-request-id" and request_id is None:
                request_id = value
            elif name == b"x-ms-request-id" and legacy is None:
                legacy = value
            elif name == b"x-ms-client-request-id" and client is None:
                client = value
            elif name == b"traceid" and trace is None:
                trace = value
    tail = b"TraceId: %b\r\n" % trace if trace is not None else b""
    if request_id is None:
        request_id = next(_pool)
    if not legacy and not client:
        if len(request_id) > _LONGEST_ID:
            raise IdTooLong("x-request-id", _LONGEST_ID, tail)
        return Ids(
            request_id,
            b"x-request-id: %b\r\nx-ms-request-id: %b\r\n%b" % (request_id, request_id, tail),
        )
    return _client_ids(request_id, legacy or client or b"", client or legacy or b"", tail)


def _client_ids(request_id: bytes, legacy: bytes, client: bytes, tail: bytes) -> Ids:
    if len(request_id) > _LONGEST_ID:
        raise IdTooLong("x-request-id", _LONGEST_ID, tail)
    head = b"x-request-id: %b\r\n" % request_id
    if len(legacy) > _LONGEST_ID or len(client) > _LONGEST_ID:
        raise IdTooLong("x-ms-request-id and x-ms-client-request-id", _LONGEST_ID, head + tail)
    head += b"x-ms-request-id: %b\r\nx-ms-client-request-id: %b\r\n" % (legacy, client)
    return Ids(request_id, head + tail)
