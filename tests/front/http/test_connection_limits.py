"""Who makes room for whom when as many clients are connected as may be."""

from __future__ import annotations

import pytest

from scoreserve.front.http.connection_limits import Awaiting, ClientTimeouts, ConnectionLimits
from scoreserve.front.http.fd_limits import most_connections
from scoreserve.front.http.shutdown_state import ShutdownState


class FakeConnection:
    def __init__(self, awaiting: Awaiting | None, quiet_since: float | None = None) -> None:
        self.awaiting = awaiting
        self.quiet_since = quiet_since
        self.closed = False
        self.lags = False
        self.timeouts: ClientTimeouts | None = None

    def look(self, now: float, timeouts: ClientTimeouts) -> None:
        self.timeouts = timeouts

    def give_way(self) -> None:
        self.closed = True


@pytest.fixture
def clients() -> ConnectionLimits:
    return ConnectionLimits(3, ClientTimeouts(75, 30, 30), ShutdownState())


def closed_of(clients: ConnectionLimits, *others: FakeConnection) -> list[bool]:
    """Which of them are closed for a newcomer."""
    clients.make_room({*others}, FakeConnection(Awaiting.IDLE, 100.0))
    return [other.closed for other in others]


def test_who_has_been_idle_longest_makes_room(clients: ConnectionLimits) -> None:
    idle = [FakeConnection(Awaiting.IDLE, since) for since in (2.0, 1.0, 3.0)]
    assert closed_of(clients, *idle) == [False, True, False]


def test_idle_ones_come_before_slow_ones(clients: ConnectionLimits) -> None:
    slow, idle = FakeConnection(Awaiting.HEAD, 1.0), FakeConnection(Awaiting.IDLE, 2.0)
    assert closed_of(clients, slow, idle) == [False, True]


def test_slow_ones_come_before_those_that_were_active_just_now(clients: ConnectionLimits) -> None:
    active, slow = FakeConnection(Awaiting.IDLE, None), FakeConnection(Awaiting.HEAD, None)
    assert closed_of(clients, active, slow) == [False, True]


def slow_body(since: float = 1.0) -> FakeConnection:
    connection = FakeConnection(Awaiting.BODY, since)
    connection.lags = True
    return connection


def test_slow_bodies_make_room_when_nobody_else_can(clients: ConnectionLimits) -> None:
    assert closed_of(clients, slow_body(), FakeConnection(Awaiting.BODY, 1.0)) == [True, False]
    assert closed_of(clients, slow_body(), FakeConnection(Awaiting.HEAD, None)) == [False, True]


def test_slow_bodies_end_for_want_of_memory(clients: ConnectionLimits) -> None:
    slow, other = slow_body(), FakeConnection(Awaiting.BODY, 1.0)
    assert clients.end_slow_bodies([other, slow])
    assert (slow.closed, other.closed) == (True, False)
    assert not clients.end_slow_bodies([other])


@pytest.mark.parametrize(
    "other",
    [
        FakeConnection(None, 1.0),
        FakeConnection(Awaiting.BODY, 1.0),
        FakeConnection(Awaiting.TAKING, 1.0),
        FakeConnection(Awaiting.IDLE, None),
    ],
    ids=["scored", "body", "taking", "active"],
)
def test_nobody_who_is_served_makes_room(clients: ConnectionLimits, other: FakeConnection) -> None:
    newcomer = FakeConnection(Awaiting.IDLE, 100.0)
    assert not clients.make_room({other, newcomer}, newcomer)
    assert not any(each.closed for each in (other, newcomer))


def test_many_make_room_at_once(clients: ConnectionLimits) -> None:
    idle = [FakeConnection(Awaiting.IDLE, float(since)) for since in range(100)]
    assert sum(closed_of(clients, *idle)) == 6


def test_less_patience_is_had_while_draining(clients: ConnectionLimits) -> None:
    connection = FakeConnection(Awaiting.IDLE, 1.0)
    clients.look({connection}, 0.0)
    before = connection.timeouts
    clients.draining.begin()
    clients.look({connection}, 0.0)
    assert before is not None
    assert connection.timeouts is not None
    for awaiting in Awaiting:
        assert connection.timeouts.of(awaiting) < before.of(awaiting)


@pytest.mark.parametrize(
    ("asked", "descriptors", "most"),
    [(0, 1024, 952), (0, 1_000_000, 10_000), (500, 1024, 500), (5000, 1024, 952), (5, 64, 5)],
)
def test_there_may_be_as_many_as_are_asked_for_and_fit(
    asked: int, descriptors: int, most: int
) -> None:
    assert most_connections(asked, descriptors, workers=1) == most
