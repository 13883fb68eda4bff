"""A small HTTP client over a plain socket that neither adds to a request nor normalises a reply.

One connection per exchange. It never raises for what a server does: every way in which an exchange
can end is an `Outcome` of the `Reply`.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

from .messages import Headers, Outcome, Reply, Request

STATUSES_WITHOUT_BODY = {204, 304}
CHUNK_BYTES = 65536


class _Closed(Exception):
    """The peer ended the connection in the middle of a reply."""


def exchange(port: int, request: Request) -> Reply:
    """Sends one request to 127.0.0.1:port and reads its reply."""
    deadline = time.monotonic() + request.deadline_seconds
    try:
        address = ("127.0.0.1", port)
        with socket.create_connection(address, timeout=request.deadline_seconds) as sock:
            return _talk(sock, request, _Reader(sock, deadline))
    except TimeoutError:
        return Reply(Outcome.TIMEOUT)
    except (_Closed, ConnectionError):
        return Reply(Outcome.CLOSED)


def _talk(sock: socket.socket, request: Request, reader: _Reader) -> Reply:
    interim: list[int] = []
    _send(sock, request.head if request.expect_continue else request.head + request.body)
    status, headers = reader.head()
    while status < 200:
        interim.append(status)
        if request.expect_continue and len(interim) == 1:
            _send(sock, request.body)
        status, headers = reader.head()
    body = bytearray()
    outcome = Outcome.REPLY
    try:
        for piece in _body_pieces(reader, request.method, status, headers):
            body += piece
            if request.read_limit is not None and len(body) >= request.read_limit:
                del body[request.read_limit :]
                break
    except (_Closed, ConnectionError):
        outcome = Outcome.CLOSED
    return Reply(outcome, status, headers, bytes(body), tuple(interim))


def _send(sock: socket.socket, data: bytes) -> None:
    """Sends; a server that answered early and hung up may still have left a reply to read."""
    try:
        sock.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        return


def _body_pieces(reader: _Reader, method: str, status: int, headers: Headers) -> Iterator[bytes]:
    """The body by its framing: chunked, by length, or until the connection ends."""
    names = {name.lower(): value for name, value in headers}
    if method == "HEAD" or status in STATUSES_WITHOUT_BODY:
        return
    if names.get("transfer-encoding", "").lower() == "chunked":
        while size := int(reader.line().partition(b";")[0], 16):
            yield reader.exactly(size)
            reader.line()
        reader.line()
    elif "content-length" in names:
        left = int(names["content-length"])
        while left:
            piece = reader.exactly(min(left, CHUNK_BYTES))
            left -= len(piece)
            yield piece
    else:
        yield from reader.until_end()


class _Reader:
    """Reads a reply from a socket; raises TimeoutError past the deadline and _Closed at the end."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._buffer = bytearray()

    def head(self) -> tuple[int, Headers]:
        """Status and headers."""
        parts = self.line().split(b" ", 2)
        if len(parts) < 2 or not parts[0].startswith(b"HTTP/1."):
            raise _Closed(f"no status line: {parts!r}")
        headers: list[tuple[str, str]] = []
        while line := self.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        return int(parts[1]), tuple(headers)

    def line(self) -> bytes:
        """A line without its CRLF."""
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._fill()
        piece = bytes(self._buffer[:size])
        del self._buffer[:size]
        return piece

    def until_end(self) -> Iterator[bytes]:
        while True:
            yield bytes(self._buffer)
            self._buffer.clear()
            try:
                self._fill()
            except _Closed:
                return

    def _fill(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        data = self._sock.recv(CHUNK_BYTES)
        if not data:
            raise _Closed
        self._buffer += data
