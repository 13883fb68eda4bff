"""The load at a fixed rate, against a server of a few lines."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from benchmarks.open_loop import Client, Schedule, Tally, request_bytes

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
REFUSAL = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
STALL_SECONDS = 0.5


def load(handler: Handler, schedule: Schedule) -> dict[str, float]:
    """The figures of a load on a server that handles each connection so."""
    handled: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        handled.add(task)
        with contextlib.suppress(ConnectionError):
            await handler(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def run() -> dict[str, float]:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            client = Client(port, request_bytes("GET", "/", b"", ""))
            figures = await client.run(schedule, spin=False)
            await asyncio.gather(*handled)
            return figures

    return asyncio.run(run())


def replying(reply: bytes) -> Handler:
    """Gives each request of each connection the same reply."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            writer.write(reply)
            if b"close" in reply:
                break

    return handle


@pytest.mark.parametrize("reply", [OK, CLOSING])
def test_every_request_is_sent_and_answered(reply: bytes) -> None:
    figures = load(replying(reply), Schedule(rate=100, seconds=0.3, even=True))
    assert figures["requests"] == 30
    assert figures["unanswered"] == figures["failed"] == 0
    assert figures["requests_per_second"] == pytest.approx(100)


def test_a_refusal_is_not_an_answer() -> None:
    figures = load(replying(REFUSAL), Schedule(rate=100, seconds=0.1, even=True))
    assert figures["failed"] == figures["requests"] == 10
    assert figures["requests_per_second"] == 0
    assert figures["p50_ms"] > 1000


def test_a_stall_counts_for_every_request_that_was_due_in_it() -> None:
    """A closed load would have sent one request into the stall and waited."""
    stalled = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            if not stalled.is_set():
                stalled.set()
                loop = asyncio.get_running_loop()
                loop.call_later(STALL_SECONDS, over.set)
            await over.wait()
            writer.write(OK)

    over = asyncio.Event()
    figures = load(handle, Schedule(rate=100, seconds=STALL_SECONDS, even=True))
    assert figures["unanswered"] == 0
    assert figures["p50_ms"] >= 1000 * STALL_SECONDS / 2 - 20  # the middle one waited half of it
    assert figures["max_ms"] >= 1000 * STALL_SECONDS


def test_what_is_never_answered_is_slower_than_anything() -> None:
    tally = Tally(latencies=[0.001] * 97, lags=[0.0] * 100, sent=100, failed=1)
    figures = tally.figures(seconds=1)
    assert (figures["unanswered"], figures["failed"]) == (2, 1)
    assert figures["p50_ms"] == 1
    assert figures["p99_ms"] > 1000


def test_random_arrivals_have_the_rate_and_are_the_same_for_every_server() -> None:
    schedule = Schedule(rate=1000, seconds=10)
    times = list(schedule.times())
    assert times == list(schedule.times())
    assert len(times) == pytest.approx(10_000, rel=0.05)
    assert len({round(second - first, 6) for first, second in pairwise(times)}) > 100


def test_a_request_has_a_body_only_when_there_is_one() -> None:
    assert request_bytes("GET", "/", b"", "") == b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    posted = request_bytes("POST", "/score", b"{}", "application/json")
    assert posted.endswith(b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
