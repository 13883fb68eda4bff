"""Requests as bytes, and the responses in what comes back."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

from tests.servers import Reply, Server

POST = b"POST /score HTTP/1.1\r\nHost: test\r\n"


def post(body: bytes = b"", *headers: bytes) -> bytes:
    """A request to score."""
    lines = [b"%b\r\n" % header for header in (*headers, b"Content-Length: %d" % len(body))]
    return b"%b%b\r\n%b" % (POST, b"".join(lines), body)


def talk(server: Server, data: bytes) -> list[Reply]:
    """What a client is answered that sends these bytes and then reads until it is closed on."""
    client = server.raw()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(data)
    replies = list(replies_in(read_all(client)))
    client.close()
    return replies


def read_all(client: socket.socket) -> bytes:
    """All that comes until the connection ends."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(1 << 16):
            received += piece
    return received


def replies_in(data: bytes) -> Iterator[Reply]:
    """The responses in these bytes, each of which says its length."""
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers["content-length"])
        assert len(data) >= length, "a response is cut off"
        yield Reply(int(status.split()[1]), headers, data[:length])
        data = data[length:]
