"""The ASGI path to /score: bodies, their limit, and clients that leave."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import pytest

from scoreserve import wire
from scoreserve.front.api import client_watch
from tests.front.conftest import MAX_BODY_BYTES, FakeFront
from tests.front.fakes import Exchange, outcome_of, turns

BODY = b"0123456789"
LENGTH = b"content-length"

assert len(BODY) == MAX_BODY_BYTES


@pytest.fixture(autouse=True)
def a_ready_worker(front: FakeFront, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_watch, "_SWEEP_SECONDS", 0)
    front.attach()


class TestBodies:
    @pytest.mark.parametrize("chunks", [[BODY], [BODY[:3], b"", BODY[3:]], [b""]])
    def test_arrive_whole_however_they_come(self, front: FakeFront, chunks: list[bytes]) -> None:
        async def scenario() -> bytes:
            task = asyncio.ensure_future(Exchange(chunks=chunks).run(front.app))
            await turns()
            front.hand_over()
            (job,) = front.worker.in_flight
            front.answer()
            assert (await task).status == 200
            return job.body

        assert asyncio.run(scenario()) == b"".join(chunks)

    def test_of_just_the_limit_are_taken(self, front: FakeFront) -> None:
        headers = [(LENGTH, b"%d" % MAX_BODY_BYTES)]
        response = asyncio.run(front.score(Exchange(chunks=[BODY], headers=headers)))
        assert response.status == 200

    def test_that_are_declared_too_long_are_refused_unread(self, front: FakeFront) -> None:
        exchange = Exchange(chunks=[BODY, b"1"], headers=[(LENGTH, b"%d" % (MAX_BODY_BYTES + 1))])
        response = asyncio.run(front.ask(exchange))
        assert response.status == 413
        assert str(MAX_BODY_BYTES) in json.loads(response.body)["message"]
        assert response.header(b"connection") == b"close"
        assert exchange.answered_after == 0
        assert front.dispatcher.queued == 0

    def test_that_become_too_long_are_refused_at_the_first_byte_too_many(
        self, front: FakeFront
    ) -> None:
        exchange = Exchange(chunks=[BODY, b"1", b"never read"])
        response = asyncio.run(front.ask(exchange))
        assert response.status == 413
        assert response.header(b"connection") == b"close"
        assert exchange.answered_after == 2
        assert front.dispatcher.queued == 0


class TestClientsThatLeave:
    def test_before_the_body_is_there_cost_no_run(self, front: FakeFront) -> None:
        exchange = Exchange(chunks=[b"part"], body_complete=False, leaves=True)
        asyncio.run(front.app(exchange.scope, exchange.receive, exchange.send))
        assert exchange.sent == []
        assert front.dispatcher.queued == 0

    def test_while_they_wait_in_the_queue_cost_no_run(self, front: FakeFront) -> None:
        async def scenario() -> Exchange:
            exchange = Exchange(leaves=True)
            await front.app(exchange.scope, exchange.receive, exchange.send)
            return exchange

        exchange = asyncio.run(scenario())
        assert exchange.sent == []
        assert front.dispatcher.queued == 0

    def test_while_run_works_for_them_are_sent_nothing(self, front: FakeFront) -> None:
        async def scenario() -> Exchange:
            exchange = Exchange()
            task = asyncio.ensure_future(front.app(exchange.scope, exchange.receive, exchange.send))
            await turns()
            front.hand_over()
            exchange.leave()
            await task
            front.answer()
            return exchange

        assert asyncio.run(scenario()).sent == []

    def test_leave_their_neighbours_alone(self, front: FakeFront) -> None:
        async def scenario() -> int:
            stays, leaves = Exchange(chunks=[b"stays"]), Exchange(chunks=[b"leaves"], leaves=True)
            task = asyncio.ensure_future(stays.run(front.app))
            await front.app(leaves.scope, leaves.receive, leaves.send)
            front.hand_over()
            assert [job.body for job in front.worker.in_flight] == [b"stays"]
            front.answer()
            return (await task).status

        assert asyncio.run(scenario()) == 200


class TestStreams:
    @staticmethod
    async def begin(front: FakeFront, exchange: Exchange) -> asyncio.Task[None]:
        """Has the worker answer the request with a body that is to follow."""

        async def run() -> None:
            await front.app(exchange.scope, exchange.receive, exchange.send)

        task = asyncio.create_task(run())
        await turns()
        front.hand_over()
        jobs, flags = front.worker.in_flight, wire.RAN | wire.STREAMED
        front.dispatcher.complete(front.worker, [outcome_of(job, flags=flags) for job in jobs])
        await turns()
        return task

    @staticmethod
    def bodies(exchange: Exchange) -> Iterable[tuple[bytes, bool]]:
        return [(message["body"], message["more_body"]) for message in exchange.sent[1:]]

    def test_are_sent_as_they_come(self, front: FakeFront) -> None:
        async def scenario() -> Exchange:
            exchange = Exchange()
            task = await self.begin(front, exchange)
            (stream,) = front.worker.streams.values()
            stream.feed(b"a")
            await turns()
            assert self.bodies(exchange) == [(b"a", True)]
            stream.feed(b"b")
            stream.end(complete=True)
            await task
            return exchange

        exchange = asyncio.run(scenario())
        assert self.bodies(exchange) == [(b"a", True), (b"b", True), (b"", False)]
        assert LENGTH not in dict(exchange.sent[0]["headers"])

    def test_that_break_off_are_left_incomplete(self, front: FakeFront) -> None:
        async def scenario() -> Exchange:
            exchange = Exchange()
            task = await self.begin(front, exchange)
            (stream,) = front.worker.streams.values()
            stream.feed(b"a")
            stream.end(complete=False)
            await task
            return exchange

        assert self.bodies(asyncio.run(scenario())) == [(b"a", True)]

    def test_are_stopped_when_the_client_leaves(self, front: FakeFront) -> None:
        async def scenario() -> None:
            exchange = Exchange()
            task = await self.begin(front, exchange)
            exchange.leave()
            await task

        asyncio.run(scenario())
        assert front.worker.asked == [f"stop {job_id}" for job_id in front.worker.streams]
