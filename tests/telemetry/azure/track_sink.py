"""What stands in for Application Insights: takes `POST /v2.1/track`, and can be in a bad way."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.ports import free_port
from tests.servers import wait_until

KEY = "12345678-1234-1234-1234-123456789012"

Envelope = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What a post is answered with, after `seconds`."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


TAKES = Answer()


class TrackSink:
    """A server, on a port of its own unless one is named. `answer` is what it does with the next
    posts; what it takes is in `envelopes`, and what else it was asked for in `strangers`.
    """

    def __init__(self, port: int | None = None) -> None:
        self.answer = TAKES
        self.envelopes: list[Envelope] = []
        self.posts = 0
        self.strangers: list[str] = []
        self._closing = threading.Event()
        self._server = _Server(("127.0.0.1", port or free_port()), _handler(self))
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def connection_string(self) -> str:
        """For APPLICATIONINSIGHTS_CONNECTION_STRING: everything is to come here."""
        return f"InstrumentationKey={KEY};IngestionEndpoint=http://127.0.0.1:{self.port}/"

    @property
    def environment(self) -> dict[str, str]:
        """What switches Application Insights on and leads it here."""
        return {
            "AML_APP_INSIGHTS_ENABLED": "true",
            "AML_APP_INSIGHTS_KEY": KEY,
            "APPLICATIONINSIGHTS_CONNECTION_STRING": self.connection_string,
        }

    def take(self, body: bytes) -> Answer:
        """A post has come."""
        answer = self.answer
        self.posts += 1
        if answer.seconds:
            self._closing.wait(answer.seconds)
        if answer.status == TAKES.status:
            self.envelopes += _envelopes(body)
        return answer

    def of_type(self, base_type: str) -> list[Envelope]:
        """The envelopes with data of this type: RequestData, MessageData, ExceptionData …"""
        return [each for each in self.envelopes if each["data"]["baseType"] == base_type]

    def wait_for(self, base_type: str, count: int) -> list[Envelope]:
        """Waits until so many of a type have come, and returns them."""
        what = f"{count} envelopes of {base_type}"
        wait_until(lambda: len(self.of_type(base_type)) >= count, what)
        return self.of_type(base_type)

    def close(self) -> None:
        """Whoever connects from now on is refused."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_connections()
        self._thread.join()


@contextmanager
def track_sink(port: int | None = None) -> Iterator[TrackSink]:
    """A sink that is closed in the end."""
    sink = TrackSink(port)
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


def _handler(sink: TrackSink) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Content-Encoding"] == "gzip":
                body = gzip.decompress(body)
            if self.path != "/v2.1/track":
                sink.strangers.append(self.path)
            self._reply(sink.take(body), body)

        def do_GET(self) -> None:
            sink.strangers.append(self.path)
            self._reply(Answer(404), b"")

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def _reply(self, answer: Answer, body: bytes) -> None:
            taken = len(_envelopes(body)) if answer.status == TAKES.status else 0
            told = json.dumps({"itemsReceived": taken, "itemsAccepted": taken, "errors": []})
            try:
                self.send_response(answer.status)
                headers = {"Content-Type": "application/json", **answer.headers}
                for name, value in {**headers, "Content-Length": str(len(told))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(told.encode())
            except OSError:  # whoever has sent it waits no more
                self.close_connection = True

    return Handler


def _envelopes(body: bytes) -> list[Envelope]:
    """Those in the body of a post: one JSON array, or a line each."""
    text = body.decode()
    if text.startswith("["):
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines() if line.strip()]
