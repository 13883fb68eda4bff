"""What clients of every kind have and do. Each runs in a thread of its own."""

from __future__ import annotations

import http.client
import json
import random
import select
import socket
import threading
from collections.abc import Iterator
from typing import Any

from tests.servers import Server
from tests.soak.ledger import BROKEN_OFF, Ledger

PATIENCE_SECONDS = 60.0  # a request without an answer by then is lost
POLL_SECONDS = 0.005
LINES = 20  # of a stream, see score.py

HEAD = b"POST /score HTTP/1.1\r\nHost: soak\r\nContent-Length: %d\r\n\r\n"


class Client:
    """One client. `stopped` is set when all are to end, `storm_over` when no request is to ask for
    a fault any more.
    """

    def __init__(
        self,
        server: Server,
        ledger: Ledger,
        stopped: threading.Event,
        storm_over: threading.Event,
    ) -> None:
        self.ledger = ledger
        self.chance = random.Random()
        self._server = server
        self._stopped = stopped
        self._storm_over = storm_over

    @property
    def is_stormy(self) -> bool:
        return not self._storm_over.is_set()

    def pause(self, least: float, most: float) -> bool:
        """Waits for so many seconds; returns whether all clients are to end."""
        return self._stopped.wait(self.chance.uniform(least, most))

    def connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._server.port, timeout=PATIENCE_SECONDS
        )
        connection.connect()
        connection.auto_open = 0  # a connection that is lost is to be noticed
        return connection

    def raw(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._server.port), PATIENCE_SECONDS)

    def wait_begun(self, connection: socket.socket, number: int) -> bool:
        """Waits until run() is at a request with the act `wait`; returns False if it is answered
        without.
        """
        begun = self._server.directory / f"{number}.begun"
        while not begun.exists():
            if select.select([connection], [], [], POLL_SECONDS)[0]:
                return False
        return True

    def let_go_on(self, number: int) -> None:
        """Ends the wait of this request's run()."""
        (self._server.directory / f"{number}.go").touch()

    def ask(
        self,
        connection: http.client.HTTPConnection,
        kind: str,
        act: str,
        expected: tuple[int | str, ...] = (200,),
        *,
        rows: int = 1,
    ) -> None:
        """A request from its beginning to its end."""
        number = self.ledger.open()
        connection.request("POST", "/score", body_of(number, act, rows))
        response = connection.getresponse()
        self.settle(kind, number, response.status, response.read(), expected, rows=rows)

    def settle(
        self,
        kind: str,
        number: int,
        status: int,
        body: bytes,
        expected: tuple[int | str, ...] = (200,),
        *,
        rows: int = 1,
        rest: str | None = None,
    ) -> None:
        """Request `number` was answered so; its own answer has `rows` ids, and this `rest`."""
        answer = json.loads(body)
        if status == 200 and answer["ids"] != [number] * rows:
            self.ledger.lose(kind, f"{number} got the answer of {answer['ids'][:3]}")
        elif status == 200 and rest not in (None, answer.get("rest")):
            self.ledger.lose(kind, f"{number} got another rest of {len(answer['rest'])} bytes")
        elif status != 200 and list(answer) != ["message"]:
            self.ledger.lose(kind, f"{status} with {body[:100]!r}")
        else:
            self.ledger.close(kind, status, expected, answer.get("message", ""))


def body_of(number: int, act: str, rows: int = 1, **more: Any) -> bytes:
    """The body of request `number`, see score.py."""
    return json.dumps({"act": act, "rows": [[number]] * rows, **more}).encode()


def request_of(number: int, act: str) -> bytes:
    """The bytes of a whole request."""
    body = body_of(number, act)
    return HEAD % len(body) + body


def line_of(number: int) -> bytes:
    """What every line of this request's stream is."""
    return b"[%d]\n" % number


def lines_of(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """The lines of a streamed answer, as they come and as far as they come."""
    try:
        while line := response.readline():
            yield line
    except http.client.IncompleteRead:
        pass


def end_of_stream(status: int, lines: list[bytes], number: int) -> int | str:
    """How request `number` ended, whose answer had these lines."""
    if status != 200 or lines == [line_of(number)] * LINES:
        return status
    return BROKEN_OFF if lines == [line_of(number)] * len(lines) else "another's"
