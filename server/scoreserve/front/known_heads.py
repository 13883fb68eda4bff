"""Heads of score requests that came before, byte for byte: what was made of them holds again.

A client that keeps its connection sends the same head with each request, but for a length now and
then. Parsing it, and making of it what the worker, the reply and the log need, costs more than all
else that the front does for a fast request. So it is done once for the same bytes, whoever sends
them: llhttp and our own checks have accepted them, and give the same for them each time.

Remembered are heads that say all there is to say of a request: on a connection that is kept, with a
body of a declared length or none.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from scoreserve import wire
from scoreserve.front.ids import brings_ids
from scoreserve.wire import RequestHead

_MOST_HEADS = 1024
_LONGEST_BYTES = 4096
_END = b"\r\n\r\n"


class KnownHead(RequestHead):
    """A head that may come again, from any client: its own `client` is empty."""

    @cached_property
    def brings_ids(self) -> bool:
        """Whether the client sent ids."""
        return brings_ids(self.headers)

    @cached_property
    def around_client(self) -> tuple[bytes, bytes]:
        """The encoded head before and after the client. Raises ValueError, see `wire`."""
        return wire.encode_around_client(self)

    @cached_property
    def log_texts(self) -> tuple[str, ...]:
        """What the access log writes of it."""
        from scoreserve.front.access_log import texts_of

        return texts_of(self)


class Known(NamedTuple):
    """A head, and how many bytes of body follow it."""

    head: KnownHead
    body_bytes: int


class KnownHeads:
    """The heads of one server's score requests. When they are too many they are forgotten."""

    def __init__(self) -> None:
        self._heads: dict[bytes, Known] = {}

    def find(self, data: bytes) -> tuple[KnownHead, bytes] | None:
        """The head and the body, if `data` is one whole request with a known head."""
        end = data.find(_END) + len(_END)
        known = self._heads.get(data[:end])
        if known is None or len(data) - end != known.body_bytes:
            return None
        return known.head, data[end:]

    def remember(self, data: bytes, head: RequestHead) -> None:
        """The head at the beginning of `data`, after it was parsed."""
        block, end, _ = data.partition(_END)
        if not end or len(block) > _LONGEST_BYTES or not block.startswith(head.method):
            return  # it is in pieces, or empty lines come before it
        length = head.header(b"content-length") or b"0"
        if not length.isdigit() or head.header(b"transfer-encoding") is not None:
            return
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        self._heads[block + end] = Known(KnownHead(*head)._replace(client=b""), int(length))
