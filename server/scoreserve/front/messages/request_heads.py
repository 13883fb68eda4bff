"""Heads of score requests that came before, byte for byte: what was made of them holds again.

A client that keeps its connection sends the same head with each request, but for a length now and
then. Parsing it, and making of it what the worker, the reply and the log need, costs more than all
else that the front does for a fast request. So it is done once for the same bytes, whoever sends
them: llhttp and our own checks have accepted them, and give the same for them each time.

Remembered are heads that say all there is to say of a request: on a connection that is kept, with a
body of a declared length or none.
"""

from __future__ import annotations

from typing import Final

from scoreserve import heads
from scoreserve.front.messages.request_ids import brings_ids
from scoreserve.heads import RequestHead

_MOST_HEADS: Final = 1024
_LONGEST_BYTES: Final = 4096
_END: Final = b"\r\n\r\n"


class CachedHead(RequestHead):
    """A head that may come again, from any client: its own `client` is empty. It came as `block`,
    and a body of `body_bytes` follows it. Raises ValueError for one that no worker can be sent, see
    `wire`.
    """

    def __init__(self, head: RequestHead, block: bytes, body_bytes: int) -> None:
        super().__init__(
            head.method,
            head.path,
            head.query,
            head.http_version,
            head.scheme,
            b"",
            head.headers,
        )
        self.block = block
        self.request_bytes = len(block) + body_bytes
        self.brings_ids = brings_ids(head.headers)
        self.around_client = heads.encode_around_client(head)
        self.log_texts: tuple[bytes, bytes, bytes] | None = None  # what the access log makes of it
        self.telemetry_fields: tuple[bytes, ...] | None = None  # and what telemetry is told of it


class HeadCache:
    """The heads of one server's score requests. When they are too many they are forgotten."""

    def __init__(self) -> None:
        self._heads: dict[bytes, CachedHead] = {}
        self._last: CachedHead | None = None  # that was found: mostly it is the next one too

    def find(self, data: bytes) -> CachedHead | None:
        """The head, if `data` is one whole request with a known one. The rest is its body."""
        head = self._last
        if head is None or not data.startswith(head.block):
            head = self._last = self._heads.get(data[: data.find(_END) + len(_END)])
            if head is None:
                return None
        return head if len(data) == head.request_bytes else None

    def remember(self, data: bytes, head: RequestHead) -> None:
        """The head at the beginning of `data`, after it was parsed."""
        block, end, _ = data.partition(_END)
        if not end or len(block) > _LONGEST_BYTES or not block.startswith(head.method):
            return  # it is in pieces, or empty lines come before it
        length = head.header(b"content-length") or b"0"
        if not length.isdigit() or head.header(b"transfer-encoding") is not None:
            return
        if len(self._heads) >= _MOST_HEADS:
            self.forget()
        self._heads[block + end] = CachedHead(head, block + end, int(length))

    def forget(self) -> None:
        """All of them are parsed anew when they come again."""
        self._heads.clear()
        self._last = None
