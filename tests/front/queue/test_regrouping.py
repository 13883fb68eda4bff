"""How long those who were answered are waited for, by the clock."""

from __future__ import annotations

import pytest

from scoreserve.front.queue.regrouping import Regrouping
from tests.front.fakes import Timers

RUN_SECONDS = 1e-3


class ConnectionLimits:
    """Four of them, whose batch took so long, answered; `queued` of them are back."""

    def __init__(self, seconds: float = RUN_SECONDS) -> None:
        self.timers = Timers()
        self.returning = Regrouping(self.timers.clock)
        self.returning.answered(jobs=4, queued=0, seconds=seconds)
        self.queued = 0

    def waits(self, back: int = 0, *, after: float, most: int = 64) -> bool:
        """Whether the loop's next turn, which brings so many, waits for the others."""
        self.queued += back
        self.timers.pass_time(after)
        return self.returning.awaited(self.queued, most)


@pytest.fixture
def clients() -> ConnectionLimits:
    return ConnectionLimits()


def test_they_have_time_from_when_their_answers_are_written(clients: ConnectionLimits) -> None:
    assert clients.waits(after=9 * RUN_SECONDS)
    assert clients.waits(after=0.049 * RUN_SECONDS)
    assert not clients.waits(after=0.002 * RUN_SECONDS)


def test_each_that_comes_gives_the_others_as_much_again(clients: ConnectionLimits) -> None:
    assert clients.waits(after=0)
    for _ in range(3):
        assert clients.waits(back=1, after=0.049 * RUN_SECONDS)
    assert not clients.waits(after=0.051 * RUN_SECONDS)


def test_no_longer_than_till_all_are_back(clients: ConnectionLimits) -> None:
    assert clients.waits(back=3, after=0)
    assert not clients.waits(back=1, after=0)


def test_no_longer_than_till_a_batch_is_full(clients: ConnectionLimits) -> None:
    assert not clients.waits(back=2, after=0, most=2)


def test_two_tenths_of_a_millisecond_at_most() -> None:
    clients = ConnectionLimits(seconds=60.0)
    assert clients.waits(after=0)
    assert clients.waits(after=0.00019)
    assert not clients.waits(after=0.00002)


def test_once_given_up_they_are_not_waited_for_when_they_come_late(
    clients: ConnectionLimits,
) -> None:
    assert clients.waits(after=0)
    assert not clients.waits(after=RUN_SECONDS)
    assert not clients.waits(back=1, after=0)
