"""Clients that leave before their answer is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from scoreserve.front.api import client_watch
from scoreserve.front.api.client_watch import Answer, ClientWatch
from scoreserve.front.messages.replies import Reply
from tests.front.fakes import Exchange, turns

REPLY = Reply(200, b"", b"")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep comes with the next turn of the event loop."""
    monkeypatch.setattr(client_watch, "_SWEEP_SECONDS", 0)


Watched = Callable[[], Awaitable[tuple[Answer, Exchange]]]


@pytest.fixture
def watched() -> Watched:
    """An answer that is awaited, and its client, whose request is read."""

    async def make() -> tuple[Answer, Exchange]:
        answer: Answer = asyncio.get_running_loop().create_future()
        exchange = Exchange()
        await exchange.receive()
        ClientWatch().add(answer, exchange.receive)
        return answer, exchange

    return make


def test_the_answer_to_a_client_that_left_is_none(watched: Watched) -> None:
    async def scenario() -> None:
        answer, exchange = await watched()
        exchange.leave()
        assert await answer is None

    asyncio.run(scenario())


def test_a_client_may_leave_long_after_the_sweep(watched: Watched) -> None:
    async def scenario() -> None:
        answer, exchange = await watched()
        await turns()
        assert not answer.done()
        exchange.leave()
        assert await answer is None

    asyncio.run(scenario())


def test_one_that_stays_gets_its_answer_and_is_watched_no_more(watched: Watched) -> None:
    async def scenario() -> None:
        answer, _ = await watched()
        await turns()
        answer.set_result(REPLY)
        await turns()
        assert answer.result() is REPLY
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_one_that_is_answered_before_the_sweep_costs_no_task(watched: Watched) -> None:
    async def scenario() -> None:
        answer, _ = await watched()
        answer.set_result(REPLY)
        await turns()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(scenario())


def test_one_that_leaves_as_it_is_answered_keeps_its_answer(watched: Watched) -> None:
    async def scenario() -> None:
        answer, exchange = await watched()
        await turns()
        exchange.leave()
        answer.set_result(REPLY)
        await turns()
        assert answer.result() is REPLY

    asyncio.run(scenario())
