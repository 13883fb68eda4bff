"""Request ids: which ones a response carries, as the reference decides it (server/routes.py).

    x-request-id            what the client sent, else a new UUID
    x-ms-request-id         the client's, else its x-ms-client-request-id, else the x-request-id
    x-ms-client-request-id  the client's, else its x-ms-request-id, else absent
    TraceId                 echoed when sent

An id that is sent empty is no id, and is not answered with one.
An id of over 100 characters is answered 431, and left out of that answer.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from scoreserve.errors import IdTooLong

_LONGEST_ID = 100  # characters
_NAMES = frozenset({b"x-request-id", b"x-ms-request-id", b"x-ms-client-request-id", b"traceid"})
_POOL_IDS = 256
_BLANK_ID = b"........-....-4...-a...-............ "  # each point is for a random digit
_PLACES = [place for place, byte in enumerate(_BLANK_ID) if byte == ord(".")]

Headers = Sequence[tuple[bytes, bytes]]


class Ids(NamedTuple):
    """The ids of one request, and the headers that its response carries for them."""

    request_id: bytes
    headers: list[tuple[bytes, bytes]]


def _new_ids() -> list[bytes]:
    """A pool of random UUIDs, version 4."""
    # A digit's place in all of them at once: one after the other takes three times as long.
    digits = os.urandom(len(_PLACES) * _POOL_IDS // 2).hex().encode()
    text = bytearray(_BLANK_ID * _POOL_IDS)
    for number, place in enumerate(_PLACES):
        text[place :: len(_BLANK_ID)] = digits[number * _POOL_IDS : (number + 1) * _POOL_IDS]
    return bytes(text).split()


_pool: Final[list[bytes]] = []
_log = logging.getLogger("azmlinfsrv")
_LEGACY = (
    "x-ms-request-id header has been deprecated and will be removed from future versions of the"
    " server. Please use x-ms-client-request-id."
)


def brings_ids(headers: Headers) -> bool:
    """Whether there is any id among these headers (names in lower case)."""
    return not _NAMES.isdisjoint(dict(headers))


def new_id() -> bytes:
    """An id for a request that brings none."""
    if not _pool:
        _pool.extend(_new_ids())
    return _pool.pop()


def identify(headers: Headers) -> Ids:
    """The ids for a request with these headers (names in lower case).

    Raises IdTooLong, whose `headers` are still to be sent.
    """
    if not brings_ids(headers):
        request_id = new_id()
        return Ids(request_id, [(b"x-request-id", request_id), (b"x-ms-request-id", request_id)])
    sent: dict[bytes, bytes] = {}
    for name, value in headers:  # repeated ones are joined, as WSGI does
        sent[name] = b"%b,%b" % (sent[name], value) if name in sent else value
    echoed = [(b"traceid", sent[b"traceid"])] if b"traceid" in sent else []
    request_id = sent[b"x-request-id"] if b"x-request-id" in sent else new_id()
    if len(request_id) > _LONGEST_ID:
        raise IdTooLong("x-request-id", _LONGEST_ID, echoed)
    legacy, client = sent.get(b"x-ms-request-id", b""), sent.get(b"x-ms-client-request-id", b"")
    if legacy:
        _log.warning(_LEGACY)
    if legacy or client:
        legacy, client = legacy or client, client or legacy
    else:
        legacy = request_id
    own = [(b"x-request-id", request_id)]
    if max(len(legacy), len(client)) > _LONGEST_ID:
        names = "x-ms-request-id and x-ms-client-request-id"
        raise IdTooLong(names, _LONGEST_ID, _filled(own) + echoed)
    own += [(b"x-ms-request-id", legacy), (b"x-ms-client-request-id", client)]
    return Ids(request_id, _filled(own) + echoed)


def _filled(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if value]
