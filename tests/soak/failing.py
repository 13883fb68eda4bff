"""Clients whose requests have the script fail, or worse. Each call is one connection."""

from __future__ import annotations

import contextlib

from tests.soak.client import Client, body_of, end_of_stream, lines_of
from tests.soak.ledger import BROKEN_OFF

# Nobody else notices these: they go on in the calm. Each is answered 500.
FAILURES = ("raise", "sys.exit", "object", "circle", "no_chunk")

# What may become of a request that has the script die, hang, and take memory.
MISBEHAVIOUR: dict[str, tuple[int | str, ...]] = {
    "segfault": (502,),
    "exit": (502,),
    "sleep": (500,),
    "hog": (200,),
    "print": (200,),
}


def fail(client: Client) -> None:
    """Has run() raise, or return what cannot be sent."""
    act = client.chance.choice(FAILURES)
    client.pause(0, 0.2)
    with contextlib.closing(client.connect()) as connection:
        client.ask(connection, act, act, (500,))


def break_off(client: Client) -> None:
    """Has a generator raise after its first line."""
    client.pause(0, 0.5)
    number = client.ledger.open()
    with contextlib.closing(client.connect()) as connection:
        connection.request("POST", "/score", body_of(number, "one_chunk"))
        response = connection.getresponse()
        lines = list(lines_of(response))
    client.ledger.close("one_chunk", end_of_stream(response.status, lines, number), (BROKEN_OFF,))


def misbehave(client: Client) -> None:
    """Has the script do what may cost others their answers."""
    if client.pause(0.1, 1.0) or not client.is_stormy:
        return
    act, expected = client.chance.choice(list(MISBEHAVIOUR.items()))
    with contextlib.closing(client.connect()) as connection:
        client.ask(connection, act, act, expected)


KINDS = (fail, break_off, misbehave)
