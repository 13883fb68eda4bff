"""The clients of a soak: each runs in a thread of its own until it is told to stop."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Callable

from tests.soak.ledger import ABANDONED, BROKEN_OFF, Ledger

PATIENCE_SECONDS = 60.0  # a request without an answer by then is lost
SLOWEST_PROBE_SECONDS = 5.0  # on a busy machine

HEAD = b"POST /score HTTP/1.1\r\nHost: soak\r\nContent-Length: %d\r\n\r\n%b"

# What may become of a request that asks the script to misbehave.
MISBEHAVIOUR: dict[str, tuple[int | str, ...]] = {
    "segfault": (502,),
    "exit": (502,),
    "raise": (500,),
    "sys.exit": (500,),
    "object": (500,),
    "sleep": (500,),
    "hog": (200,),
    "print": (200,),
}


class Clients:
    """All clients of one server; `stop` ends them and waits for their last answers."""

    def __init__(self, port: int, ledger: Ledger) -> None:
        self.port = port
        self.ledger = ledger
        self.slowest_probe = 0.0
        self._stopped = threading.Event()
        self._storm_over = threading.Event()
        kinds = [self.score, self.score, self.score, self.stream, self.send_slowly]
        kinds += [self.leave, self.babble, self.wait_idle, self.probe, self.misbehave]
        self._threads = [
            threading.Thread(target=self._repeat, args=(kind,), daemon=True) for kind in kinds
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def calm_down(self) -> None:
        """No request asks for a fault from now on, once those under way are answered."""
        self._storm_over.set()

    def stop(self) -> bool:
        """Whether all have ended."""
        self._stopped.set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _repeat(self, kind: Callable[[random.Random], None]) -> None:
        chance = random.Random()
        while not self._stopped.is_set():
            try:
                kind(chance)
            except Exception as error:  # noqa: BLE001, PERF203 - whatever it is, it is a finding
                self.ledger.lose(kind.__name__, repr(error))

    # The kinds. Each method is one connection.

    def score(self, chance: random.Random) -> None:
        """Scores up to 100 times over one connection: small, large, both ways."""
        with contextlib.closing(self._connect()) as connection:
            for _ in range(chance.randint(1, 100)):
                if self._stopped.wait(chance.uniform(0, 0.005)):
                    return
                act = "long" if chance.random() < 0.02 else "answer"
                rows = chance.choice((1, 1, 1, 3, 100_000 if chance.random() < 0.05 else 2))
                self._ask(connection, "score", act, (200,), rows=rows)

    def misbehave(self, chance: random.Random) -> None:
        """Has the script die, raise, hang, and take memory."""
        if self._storm_over.wait(chance.uniform(0.1, 1.0)):
            self._stopped.wait(1.0)
            return
        act, expected = chance.choice(list(MISBEHAVIOUR.items()))
        with contextlib.closing(self._connect()) as connection:
            self._ask(connection, act, act, expected)

    def send_slowly(self, chance: random.Random) -> None:
        """Sends a request in pieces, with pauses."""
        number = self.ledger.open()
        with self._socket() as client:
            data = HEAD % (len(body := _body(number, "answer")), body)
            while data:
                size = chance.randint(1, 30)
                client.sendall(data[:size])
                data = data[size:]
                time.sleep(0.01)
            response = http.client.HTTPResponse(client)
            response.begin()
            self._settle("send_slowly", number, response.status, response.read(), (200,))

    def leave(self, chance: random.Random) -> None:
        """Leaves in the middle of its request, while it waits, or in the middle of the answer."""
        number = self.ledger.open()
        body = _body(number, chance.choice(("answer", "long")))
        data = HEAD % (len(body), body)
        with self._socket() as client:
            client.sendall(data[: chance.randint(1, len(data))])
            time.sleep(chance.choice((0.0, 0.001, 0.05)))
        self.ledger.close("leave", ABANDONED, (ABANDONED,))

    def babble(self, chance: random.Random) -> None:
        """Sends what is no request, or hardly."""
        self._stopped.wait(0.05)
        body = _body(0, "answer")
        data = bytearray(HEAD % (len(body), body))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 9))
        self.ledger.open()
        with self._socket() as client, contextlib.suppress(ConnectionError, TimeoutError):
            client.sendall(data)
            client.settimeout(0.2)
            client.recv(1 << 16)
        self.ledger.close("babble", ABANDONED, (ABANDONED,))

    def probe(self, chance: random.Random) -> None:
        """Asks for health and metrics, which are to be answered whatever happens."""
        path = chance.choice(("/", "/health/live", "/health/ready", "/metrics"))
        expected = {"/": (200, 502), "/health/ready": (200, 503)}.get(path, (200,))
        started = time.monotonic()
        self.ledger.open()
        with contextlib.closing(self._connect()) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
        seconds = time.monotonic() - started
        self.slowest_probe = max(seconds, self.slowest_probe)
        if seconds > SLOWEST_PROBE_SECONDS:
            self.ledger.lose("probe", f"{path} took {seconds:.1f} s")
        else:
            self.ledger.close(
                "probe", response.status, expected[:1] if self.ledger.calm else expected
            )
        self._stopped.wait(0.1)

    def wait_idle(self, chance: random.Random) -> None:
        """Holds connections that ask for nothing, and some that never finish asking."""
        with contextlib.ExitStack() as held:
            for _ in range(50):
                client = held.enter_context(self._socket())
                client.sendall(b"POST /score HTTP/1.1\r\nHost"[: chance.choice((0, 20))])
            self._stopped.wait(chance.uniform(1, 10))

    def stream(self, chance: random.Random) -> None:
        """Takes a streamed answer, to the end or not, fast or slowly."""
        number = self.ledger.open()
        with contextlib.closing(self._connect()) as connection:
            connection.request("POST", "/score", _body(number, "stream"))
            response = connection.getresponse()
            lines = []
            try:
                while line := response.readline():
                    lines.append(line)
                    if chance.random() < 0.01:
                        self.ledger.close("stream", ABANDONED, (ABANDONED,))
                        return
                    self._stopped.wait(chance.choice((0.0, 0.0, 0.01)))
            except http.client.IncompleteRead:
                self.ledger.close("stream", BROKEN_OFF, (200,))
                return
        if response.status == 200 and lines != [b"[%d]\n" % number] * 20:
            end = BROKEN_OFF if lines == [b"[%d]\n" % number] * len(lines) else "another's"
            self.ledger.close("stream", end, (200,))
        else:
            self.ledger.close("stream", response.status, (200,))

    # What they share.

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        kind: str,
        act: str,
        expected: tuple[int | str, ...],
        *,
        rows: int = 1,
    ) -> None:
        number = self.ledger.open()
        connection.request("POST", "/score", _body(number, act, rows))
        response = connection.getresponse()
        self._settle(kind, number, response.status, response.read(), expected, rows=rows)

    def _settle(
        self,
        kind: str,
        number: int,
        status: int,
        body: bytes,
        expected: tuple[int | str, ...],
        *,
        rows: int = 1,
    ) -> None:
        answer = json.loads(body)
        if status == 200 and answer["ids"] != [number] * rows:
            self.ledger.lose(kind, f"{number} got the answer of {answer['ids'][:3]}")
        elif status != 200 and list(answer) != ["message"]:
            self.ledger.lose(kind, f"{status} with {body[:100]!r}")
        else:
            self.ledger.close(kind, status, expected)

    def _connect(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        connection.connect()
        connection.auto_open = 0  # a connection that is lost is to be noticed
        return connection

    def _socket(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)


def _body(number: int, act: str, rows: int = 1) -> bytes:
    return json.dumps({"act": act, "rows": [[number]] * rows}).encode()
