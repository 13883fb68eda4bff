"""Request ids: which ones a response carries, as the reference decides it (server/routes.py).

    x-request-id            what the client sent, else a new UUID
    x-ms-request-id         the client's, else its x-ms-client-request-id, else the x-request-id
    x-ms-client-request-id  the client's, else its x-ms-request-id, else absent
    TraceId                 echoed when sent

An id of over 100 characters is answered 431, and left out of that answer.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scoreserve.errors import IdTooLong

_LONGEST_ID = 100  # characters
_POOL_IDS = 256
_DIGITS = re.compile(rb"(.{8})(.{4}).(.{3}).(.{3})(.{12})")

Headers = Sequence[tuple[bytes, bytes]]


class Ids(NamedTuple):
    """The ids of one request, and the headers that its response carries for them."""

    request_id: bytes
    headers: list[tuple[bytes, bytes]]


def _new_ids() -> Iterator[bytes]:
    """Random UUIDs, version 4, made a pool at a time: shaping many at once costs a fifth."""
    while True:
        digits = os.urandom(16 * _POOL_IDS).hex().encode()
        yield from _DIGITS.sub(rb"\1-\2-4\3-a\4-\5 ", digits).split()


_pool = _new_ids()


def identify(headers: Headers) -> Ids:
    """The ids for a request with these headers (names in lower case).

    Raises IdTooLong, whose `headers` are still to be sent.
    """
    request_id = legacy = client = trace = None
    for name, value in headers:
        if name[0] in b"xt":  # most headers fail here
            if name == b"x-request-id" and request_id is None:
                request_id = value
            elif name == b"x-ms-request-id" and legacy is None:
                legacy = value
            elif name == b"x-ms-client-request-id" and client is None:
                client = value
            elif name == b"traceid" and trace is None:
                trace = value
    if request_id is None:
        request_id = next(_pool)
    echoed = [] if trace is None else [(b"traceid", trace)]
    if len(request_id) > _LONGEST_ID:
        raise IdTooLong("x-request-id", _LONGEST_ID, echoed)
    found = [(b"x-request-id", request_id)]
    if legacy or client:
        legacy, client = legacy or client or b"", client or legacy or b""
        if len(legacy) > _LONGEST_ID or len(client) > _LONGEST_ID:
            names = "x-ms-request-id and x-ms-client-request-id"
            raise IdTooLong(names, _LONGEST_ID, found + echoed)
        found += [(b"x-ms-request-id", legacy), (b"x-ms-client-request-id", client)]
    else:
        found.append((b"x-ms-request-id", request_id))
    return Ids(request_id, found + echoed)
