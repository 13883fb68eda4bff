"""Clients that leave, stand still, or talk nonsense. Each call is a connection, or some."""

from __future__ import annotations

import contextlib
import time

from tests.soak.client import HEAD, Client, body_of, line_of, lines_of, request_of
from tests.soak.ledger import ABANDONED, BROKEN_OFF

DAWDLED_BYTES = 4 << 20  # that are announced, of a body that never ends
DAWDLE_SECONDS = 10

# What a generator does after its first line. The last can only be ended with its worker.
HANGS = ("asleep", "awaiting", "in_c")


def leave(client: Client) -> None:
    """Leaves in the middle of its request, while it waits, or in the middle of the answer."""
    data = request_of(client.ledger.open(), client.chance.choice(("answer", "long")))
    with client.raw() as connection:
        connection.sendall(data[: client.chance.randint(1, len(data))])
        time.sleep(client.chance.choice((0.0, 0.001, 0.05)))
    client.ledger.close("leave", ABANDONED, (ABANDONED,))


def leave_hanging(client: Client) -> None:
    """Leaves a generator that stands still."""
    client.pause(0.2, 1.5)
    may_kill = client.is_stormy and client.chance.random() < 0.1
    act = HANGS[-1] if may_kill else client.chance.choice(HANGS[:-1])
    number = client.ledger.open()
    with contextlib.closing(client.connect()) as connection:
        connection.request("POST", "/score", body_of(number, act))
        with connection.getresponse() as response:
            line = next(lines_of(response), b"")
    end: int | str = response.status
    if end == 200:
        end = {line_of(number): ABANDONED, b"": BROKEN_OFF}.get(line, "another's")
    client.ledger.close(act, end, (ABANDONED,))


def dawdle(client: Client) -> None:
    """Sends a body so slowly that it has to give way where there is no memory for others."""
    if client.pause(0.5, 1.0) or not client.is_stormy:
        return
    client.ledger.open()
    end: int | str = ABANDONED
    with client.raw() as connection:
        connection.sendall(HEAD % DAWDLED_BYTES)
        connection.settimeout(0.5)
        until = time.monotonic() + DAWDLE_SECONDS
        while client.is_stormy and time.monotonic() < until:
            connection.sendall(b"x" * 100)
            with contextlib.suppress(TimeoutError):
                end = int(connection.recv(1 << 16).split()[1])
                break
    client.ledger.close("dawdle", end, (ABANDONED, 408))


def babble(client: Client) -> None:
    """Sends what is no request, or hardly."""
    client.pause(0.05, 0.05)
    chance = client.chance
    data = bytearray(request_of(0, "answer"))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data))
        data[at : at + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 9))
    client.ledger.open()
    with client.raw() as connection, contextlib.suppress(ConnectionError, TimeoutError):
        connection.sendall(data)
        connection.settimeout(0.2)
        connection.recv(1 << 16)
    client.ledger.close("babble", ABANDONED, (ABANDONED,))


def wait_idle(client: Client) -> None:
    """Holds connections that ask for nothing, and some that never finish asking."""
    with contextlib.ExitStack() as held:
        for _ in range(50):
            connection = held.enter_context(client.raw())
            connection.sendall(b"POST /score HTTP/1.1\r\nHost"[: client.chance.choice((0, 20))])
        client.pause(1, 10)


KINDS = (leave, leave_hanging, dawdle, babble, wait_idle)
