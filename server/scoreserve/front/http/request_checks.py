"""What is no request: endless heads, framing that two servers may read apart, upgrades. Pure.

- Versions but 1.0 and 1.1, transfer codings but `chunked`, and that one in HTTP/1.0, are refused,
  and so is a second Host (RFC 9112, 3.2): llhttp lets them pass.
- Heads, and what surrounds the chunks of a body, have limits: llhttp has none.
- A request that offers an upgrade (Java's client offers h2c with every first request) is read again
  as one that does not: httptools would stop before its body, and it would be lost.
"""

from __future__ import annotations

from collections.abc import Sequence

from scoreserve.errors import BadRequest, HeadTooLarge, ReplyError

MOST_HEAD_BYTES = 64 * 1024
MOST_HEADERS = 100  # as for the reference
# What chunks of a body may cost beside it: one byte in a chunk takes six.
_MOST_FRAMING = 8

_VERSIONS = frozenset({"1.0", "1.1"})
_NOTED = frozenset({b"expect", b"host", b"transfer-encoding"})

Header = tuple[bytes, bytes]


class MessageChecks:
    """The checks of the message that one connection is reading. What is refused is raised, as the
    ReplyError that answers it.
    """

    def __init__(self) -> None:
        self.in_head = False
        self.chunked = False
        self.expects_continue = False
        self._hosts = 0
        self._piece_bytes = 0  # what has come last
        self._read_on = -1  # bytes that came after the piece in which it began; -1: none did
        self._body_bytes = 0  # of a chunked body

    def came(self, size: int) -> None:
        """So many bytes have come, and are about to be parsed."""
        self._piece_bytes = size

    def begin(self) -> None:
        """A message begins."""
        self.in_head = True
        self.expects_continue = False
        self._hosts = 0
        self._read_on = -1

    def header(self, name: bytes, value: bytes) -> None:
        """A header of its head, the name in lower case."""
        if name not in _NOTED:
            return
        if name == b"host":
            self._hosts += 1
            if self._hosts > 1:
                raise BadRequest
            return
        word = value.strip().lower()
        if name == b"expect":
            self.expects_continue = word == b"100-continue"
        elif word == b"chunked":
            self.chunked, self._body_bytes = True, 0
        else:
            raise BadRequest

    def head_complete(self, version: str, url: bytes, headers: Sequence[Header]) -> None:
        """Its head is complete."""
        self.in_head = False
        if version not in _VERSIONS or (self.chunked and version == "1.0"):
            raise BadRequest
        if len(headers) > MOST_HEADERS:
            raise HeadTooLarge(f"{MOST_HEADERS} headers")
        if self._piece_bytes > MOST_HEAD_BYTES or self._read_on >= 0:
            length = len(url) + sum(len(name) + len(value) for name, value in headers)
            if length > MOST_HEAD_BYTES:
                raise _head_too_long()

    def body(self, size: int) -> None:
        """So many bytes of its body."""
        self._body_bytes += size

    def end(self) -> None:
        """It is complete, or nothing more of it is read."""
        self.in_head = self.chunked = False

    def goes_on(self) -> ReplyError | None:
        """What came is parsed: why a message is refused whose head, or the framing of whose chunks,
        goes on for too long. The piece in which it began does not count: it may hold the end of the
        message before.
        """
        if not (self.in_head or self.chunked):
            return None
        if self._read_on < 0:
            self._read_on = 0
            return None
        self._read_on += self._piece_bytes
        if self.in_head:
            return _head_too_long() if self._read_on > MOST_HEAD_BYTES else None
        if self._read_on > MOST_HEAD_BYTES + _MOST_FRAMING * self._body_bytes:
            return BadRequest("The framing of the request's chunks is too long.")
        return None


def without_upgrade(
    method: bytes, url: bytes, version: str, headers: Sequence[Header], rest: bytes
) -> bytes:
    """A request that offers an upgrade, as one that does not; `rest` is what came after its head.

    Raises BadRequest for CONNECT, which is nothing else.
    """
    if method == b"CONNECT":
        raise BadRequest
    lines = [b"%b %b HTTP/%b" % (method, url, version.encode())]
    lines += [b"%b: %b" % header for header in headers if header[0] != b"upgrade"]
    return b"\r\n".join(lines) + b"\r\n\r\n" + rest


def _head_too_long() -> HeadTooLarge:
    return HeadTooLarge(f"{MOST_HEAD_BYTES} bytes")
