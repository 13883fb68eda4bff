"""What stands in for a place that telemetry is posted to, and can be in a bad way."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from tests.ports import free_port


@dataclass(frozen=True)
class Answer:
    """What a post is answered with, after `seconds`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


TAKES = Answer()


class HttpSink:
    """A server, on a port of its own unless one is named. `answer` is what it does with the next
    posts; `requests` are path and headers of those that have come, names in lower case.
    """

    def __init__(self, port: int | None = None) -> None:
        self.answer = TAKES
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port or free_port()), _handler(self))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def posts(self) -> int:
        """How many have come."""
        return len(self.requests)

    @property
    def origin(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def take(self, path: str, body: bytes) -> bytes:
        """A post has come that it takes; the body of the answer."""
        raise NotImplementedError

    def refuse(self) -> bytes:
        """The body of an answer to one that it does not take."""
        return b""

    def asked(self, path: str) -> None:
        """Somebody asks for something, and posts nothing."""

    def meet(self, path: str, headers: dict[str, str], body: bytes) -> tuple[Answer, bytes]:
        """What a post is answered, and with which body."""
        answer = self.answer
        self.requests.append((path, headers))
        if answer.seconds:
            self._closing.wait(answer.seconds)
        if answer.status != TAKES.status:
            return answer, self.refuse()
        plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        return answer, self.take(path, plain)

    def close(self) -> None:
        """Whoever connects from now on is refused."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()
        self._thread.join()


Sink = TypeVar("Sink", bound=HttpSink)


@contextmanager
def closing(sink: Sink) -> Iterator[Sink]:
    """A sink that is closed in the end."""
    try:
        yield sink
    finally:
        sink.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True  # one may wait for a client that keeps its connection

    def __init__(self, *arguments: Any) -> None:
        self._connections: list[socket.socket] = []
        super().__init__(*arguments)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def cut_connections(self) -> None:
        """Those that clients keep."""
        for connection in self._connections:
            with contextlib.suppress(OSError):  # it is closed already
                connection.shutdown(socket.SHUT_RDWR)


def _handler(sink: HttpSink) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._reply(*sink.meet(self.path, headers, body))

        def do_GET(self) -> None:
            sink.asked(self.path)
            self._reply(Answer(404), b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _reply(self, answer: Answer, body: bytes) -> None:
            try:
                self.send_response(answer.status)
                framing = {"Content-Type": "application/json", "Content-Length": str(len(body))}
                for name, value in {**answer.headers, **framing}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:  # whoever has sent it waits no more
                self.close_connection = True

    return Handler
