"""The HTTP server that a Collector posts to, on this machine only: one post after the other.

A Collector sends from a thread of its own, one post at a time on a connection each, so that a queue
of them is as fast as a crowd, and takes no more memory than one post.
"""

from __future__ import annotations

import io
import logging
import socket
import sys
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

from scoreserve.telemetry.model_data.collector import LOOPBACK
from scoreserve.telemetry.model_data.events import PostError

PATH = "/modeldata/log"
MOST_BYTES = 16 << 20  # of a post
_MOST_DIGITS = 18  # of a length that are looked at

_POST_SECONDS = 5.0  # for a client on this machine to send one whole; the others wait meanwhile

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_log = logging.getLogger("azmlinfsrv.telemetry")

# Takes headers, by lower-case name, and body. Raises PostError.
Keep = Callable[[Mapping[str, str], bytes], None]


class Receiver(HTTPServer):
    """Listens on `port`, and has what is posted there kept. Raises OSError where it cannot."""

    request_queue_size = 128  # posts that wait: one for each worker, and one that comes meanwhile

    def __init__(self, port: int, keep: Keep) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.keep = keep
        self.idle = False

    def answer_one(self, seconds: float) -> None:
        """Answers the next post. Where there is none for so long, it is `idle`."""
        self.timeout = seconds
        self.idle = False
        self.handle_request()

    def server_bind(self) -> None:
        """As TCPServer's: HTTPServer's asks a name server for the name of the machine."""
        super(HTTPServer, self).server_bind()

    def handle_timeout(self) -> None:
        self.idle = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves, or takes too long, logs that itself."""
        if not isinstance(sys.exc_info()[1], OSError):
            _log.exception("A post of model data came to nothing")


class _Incoming(io.RawIOBase):
    """What a client sends until the deadline, of time.monotonic(). Raises TimeoutError after it,
    however often a little has come.
    """

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        super().__init__()
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("The post was not sent in time.")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    """One connection. It ends with its answer, as HTTP/1.0 has it."""

    server: Receiver
    timeout = _POST_SECONDS
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(message)s\n"

    def setup(self) -> None:
        super().setup()
        self.rfile.close()
        incoming = _Incoming(self.connection, time.monotonic() + _POST_SECONDS)
        self.rfile = io.BufferedReader(incoming)

    def do_POST(self) -> None:
        try:
            if self.path != PATH:
                raise PostError(HTTPStatus.NOT_FOUND, f"Model data is posted to {PATH}.")
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.server.keep(headers, self._body(headers.get("content-length")))
        except PostError as error:
            self._answer(error.status, str(error))
        else:
            self._answer(HTTPStatus.ACCEPTED, "")

    def version_string(self) -> str:
        return "scoreserve"

    def _body(self, length: str | None) -> bytes:
        """Raises PostError."""
        if length is None:
            raise PostError(HTTPStatus.LENGTH_REQUIRED, "A post needs a Content-Length.")
        if not (length.isascii() and length.isdigit()):
            raise PostError(HTTPStatus.BAD_REQUEST, f"The Content-Length {length!r} is none.")
        size = int(length.lstrip("0")[:_MOST_DIGITS] or 0)
        if size > MOST_BYTES:
            raise PostError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"The post has {size:,} bytes; {MOST_BYTES:,} are the most. Collect fewer rows at"
                " once.",
            )
        body = self.rfile.read(size)
        if len(body) < size:
            raise PostError(HTTPStatus.BAD_REQUEST, "The body is shorter than its Content-Length.")
        return body

    def _answer(self, status: HTTPStatus, text: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", self.error_content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """The Collector logs what went wrong itself."""
