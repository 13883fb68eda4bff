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
_NAMES = frozenset({b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id", b"traceid"})
_POOL_IDS = 256
_DIGITS = re.compile(rb"(.{8})(.{4}).(.{3}).(.{3})(.{12})")

Headers = Sequence[tuple[bytes, bytes]]


class Ids(NamedTuple):
    """The ids of one request, and the headers that its response carries for them."""

    request_id: bytes
    headers: list[tuple[bytes, bytes]]


def _new_ids() -> Iterator[bytes]:
    """Random UUIDs, version 4, made a pool at a time."""
    while True:
        digits = os.urandom(16 * _POOL_IDS).hex().encode()
        for groups in _DIGITS.findall(digits):
            yield b"%b-%b-4%b-a%b-%b" % groups


_pool = _new_ids()


def identify(headers: Headers) -> Ids:
    """The ids for a request with these headers (names in lower case).

    Raises IdTooLong, whose `headers` are still to be sent.
    """
    if _NAMES.isdisjoint(dict(headers)):  # most requests bring none
        request_id = next(_pool)
        return Ids(request_id, [(b"x-request-id", request_id), (b"x-ms-request-id", request_id)])
    sent = dict(reversed(headers))  # of several by one name, the first counts
    echoed = [(b"traceid", sent[b"traceid"])] if b"traceid" in sent else []
    request_id = sent.get(b"x-request-id") or next(_pool)
    if len(request_id) > _LONGEST_ID:
        raise IdTooLong("x-request-id", _LONGEST_ID, echoed)
    own = [(b"x-request-id", request_id)]
    legacy, client = sent.get(b"x-ms-request-id", b""), sent.get(b"x-ms-client-request-id", b"")
    if not legacy and not client:
        return Ids(request_id, [*own, (b"x-ms-request-id", request_id), *echoed])
    legacy, client = legacy or client, client or legacy
    if max(len(legacy), len(client)) > _LONGEST_ID:
        names = "x-ms-request-id and x-ms-client-request-id"
        raise IdTooLong(names, _LONGEST_ID, own + echoed)
    ids = [(b"x-ms-request-id", legacy), (b"x-ms-client-request-id", client)]
    return Ids(request_id, own + ids + echoed)
