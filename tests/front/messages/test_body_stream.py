"""A streamed body: a chunk is asked for when the client has taken the last one."""

from __future__ import annotations

import asyncio

import pytest

from scoreserve.front.messages.body_stream import BodyStream, StreamBroken
from tests.front.fakes import turns


class Streamed:
    """A stream, and what it asked of its worker."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.stream = BodyStream(
            lambda: self.asked.append("more"), lambda: self.asked.append("stop")
        )


@pytest.fixture
def streamed() -> Streamed:
    return Streamed()


def test_chunks_come_in_order_and_then_the_end(streamed: Streamed) -> None:
    async def scenario() -> list[bytes | None]:
        streamed.stream.feed(b"a")
        streamed.stream.feed(b"b")
        streamed.stream.end(complete=True)
        return [await streamed.stream.next_chunk() for _ in range(3)]

    assert asyncio.run(scenario()) == [b"a", b"b", None]


def test_the_first_chunk_comes_unasked_and_each_further_one_is_asked_for_once(
    streamed: Streamed,
) -> None:
    async def scenario() -> None:
        first = asyncio.ensure_future(streamed.stream.next_chunk())
        await turns()
        assert streamed.asked == []
        streamed.stream.feed(b"a")
        assert await first == b"a"
        assert streamed.asked == []
        second = asyncio.ensure_future(streamed.stream.next_chunk())
        await turns()
        assert streamed.asked == ["more"]
        streamed.stream.feed(b"b")
        assert await second == b"b"
        assert streamed.asked == ["more"]

    asyncio.run(scenario())


def test_a_body_that_broke_off_is_no_complete_one(streamed: Streamed) -> None:
    async def scenario() -> None:
        streamed.stream.feed(b"a")
        streamed.stream.end(complete=False)
        assert await streamed.stream.next_chunk() == b"a"
        with pytest.raises(StreamBroken):
            await streamed.stream.next_chunk()

    asyncio.run(scenario())


def test_only_the_first_end_counts(streamed: Streamed) -> None:
    """A worker may die just after it sent the last of a body."""

    async def scenario() -> None:
        streamed.stream.end(complete=True)
        streamed.stream.end(complete=False)
        assert await streamed.stream.next_chunk() is None

    asyncio.run(scenario())


def test_closing_stops_the_worker_unless_it_has_ended(streamed: Streamed) -> None:
    streamed.stream.close()
    assert streamed.asked == ["stop"]
    streamed.stream.end(complete=True)
    streamed.stream.close()
    assert streamed.asked == ["stop"]
