"""Clients that send what is right and wait for what comes of it. Each call is one connection."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time

from tests.faults.raw_http import read_all, replies_in
from tests.soak.client import Client, body_of, end_of_stream, lines_of, request_of
from tests.soak.ledger import ABANDONED, UNHEARD

SLOWEST_PROBE_SECONDS = 5.0  # on a busy machine
PIECE_BYTES = 1 << 16
# Of bodies. In the calm they fit into the budget of all together (`--queue-bytes`).
MOST_MEBIBYTES, MOST_MEBIBYTES_IN_THE_CALM = 6, 3
LARGEST_RESULT_MEBIBYTES = 16


def score(client: Client) -> None:
    """Scores up to 100 times over one connection: small, large, both ways."""
    chance = client.chance
    with contextlib.closing(client.connect()) as connection:
        for _ in range(chance.randint(1, 100)):
            if client.pause(0, 0.005) or connection.sock is None:  # a refused body ends it
                return
            act = "long" if chance.random() < 0.02 else "answer"
            rows = chance.choice((1, 1, 1, 3, 100_000 if chance.random() < 0.05 else 2))
            client.ask(connection, "score", act, rows=rows)


def large(client: Client) -> None:
    """Sends a body of some MB, as a whole or in chunks, or gets a result of some."""
    client.pause(0, 0.2)
    most = MOST_MEBIBYTES if client.is_stormy else MOST_MEBIBYTES_IN_THE_CALM
    number = client.ledger.open()
    if client.chance.random() < 0.3:
        size = client.chance.randint(1, LARGEST_RESULT_MEBIBYTES) << 20
        rest = "x" * size
        body = body_of(number, "long", size=size)
    else:
        rest = f"{number} " * (client.chance.randint(1 << 19, most << 20) // len(f"{number} "))
        body = body_of(number, "echo", rest=rest)
    pieces = (body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES))
    with contextlib.closing(client.connect()) as connection:
        in_chunks = client.chance.random() < 0.3
        data = pieces if in_chunks else body
        connection.request("POST", "/score", data, encode_chunked=in_chunks)
        response = connection.getresponse()
        client.settle("large", number, response.status, response.read(), rest=rest)


def send_slowly(client: Client) -> None:
    """Sends a request in pieces, with pauses."""
    number = client.ledger.open()
    with client.raw() as connection:
        data = request_of(number, "answer")
        while data:
            size = client.chance.randint(1, 30)
            connection.sendall(data[:size])
            data = data[size:]
            time.sleep(0.01)
        response = http.client.HTTPResponse(connection)
        response.begin()
        client.settle("send_slowly", number, response.status, response.read())


def half_close(client: Client) -> None:
    """Sends a request or some, and says that it sends no more: at once, or when a worker is at the
    first, which must then be answered. What no worker can have at once may be dropped.
    """
    client.pause(0, 0.1)
    chance = client.chance
    numbers = [client.ledger.open() for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    acts = [chance.choice(("answer", "answer", "long", "wait")), "answer", "answer"]
    begun = False
    with client.raw() as connection:
        connection.sendall(b"".join(map(request_of, numbers, acts)))
        if acts[0] == "wait":
            begun = client.wait_begun(connection, numbers[0])
        connection.shutdown(socket.SHUT_WR)
        if begun:
            client.let_go_on(numbers[0])
        replies = list(replies_in(read_all(connection)))
    for number, reply in zip(numbers, replies, strict=False):
        client.settle("half_close", number, reply.status, reply.body)
    for _ in numbers[len(replies) :]:
        client.ledger.close("half_close", UNHEARD, (200,) if begun and not replies else (UNHEARD,))


def stream(client: Client) -> None:
    """Takes a streamed answer, to the end or not, fast or slowly; sometimes it sends no more."""
    number = client.ledger.open()
    lines = []
    with contextlib.closing(client.connect()) as connection:
        connection.request("POST", "/score", body_of(number, "stream"))
        response = connection.getresponse()
        if connection.sock is not None and client.chance.random() < 0.3:
            connection.sock.shutdown(socket.SHUT_WR)
        for line in lines_of(response):
            lines.append(line)
            if client.chance.random() < 0.01:
                client.ledger.close("stream", ABANDONED, (ABANDONED,))
                return
            client.pause(0, client.chance.choice((0.0, 0.0, 0.01)))
    client.ledger.close("stream", end_of_stream(response.status, lines, number), (200,))


def probe(client: Client) -> None:
    """Asks for health and metrics, which are to be answered whatever happens."""
    ledger = client.ledger
    path = client.chance.choice(("/", "/health/live", "/health/ready", "/metrics"))
    expected = {"/": (200, 502), "/health/ready": (200, 503)}.get(path, (200,))
    started = time.monotonic()
    ledger.open()
    with contextlib.closing(client.connect()) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
    seconds = time.monotonic() - started
    ledger.slowest_probe = max(seconds, ledger.slowest_probe)
    if seconds > SLOWEST_PROBE_SECONDS:
        ledger.lose("probe", f"{path} took {seconds:.1f} s")
    else:
        ledger.close("probe", response.status, expected[:1] if ledger.calm else expected)
    client.pause(0.1, 0.1)


KINDS = (score, score, score, large, large, send_slowly, half_close, stream, probe)
