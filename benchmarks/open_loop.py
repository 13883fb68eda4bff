"""A load at a fixed rate, whatever the server does: no coordinated omission.

    schedule ──► due now? ──► idle connection, or a new one ──► request
                                  reply ──► latency = now - scheduled time

A closed load waits for each reply before it sends the next request, so a server that stalls for a
second delays the requests that would have shown the stall. Here the times at which requests are due
are fixed beforehand (evenly, or at random as independent clients are), a request is sent when it is
due even if none has been answered, and its latency runs from the time it was due, so that whatever
held it up counts: the server, the lack of a connection, or this program. `lag_p99_ms` is how late
this program came to the requests, so a reading in which it was the slow part shows that.

It runs as a process of its own: `python -m benchmarks.open_loop --help`. With `--spin` it polls the
clock instead of sleeping, since timers of event loops are good to a millisecond only; that needs a
CPU for itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httptools
import uvloop

from scoreserve.bench.figures import percentile

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 512
DRAIN_SECONDS = 2.0  # after the last request is due
SEED = 0  # every server meets the same arrivals


@dataclass(frozen=True)
class Schedule:
    """`rate` requests a second for `seconds`; at random times unless `even`."""

    rate: float
    seconds: float
    even: bool = False

    def times(self) -> Iterator[float]:
        """When each request is due, in seconds from the start."""
        if self.even:
            yield from (number / self.rate for number in range(round(self.rate * self.seconds)))
            return
        arrivals = random.Random(SEED)
        due = 0.0
        while due < self.seconds:
            yield due
            due += arrivals.expovariate(self.rate)


@dataclass
class Tally:
    """What became of the requests; times in seconds."""

    latencies: list[float] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)
    sent: int = 0
    failed: int = 0  # not a 2xx, or a broken connection

    def figures(self, seconds: float) -> dict[str, float]:
        """The reading; a request that was never answered took longer than any other."""
        unanswered = self.sent - len(self.latencies) - self.failed
        forever = seconds + DRAIN_SECONDS
        latencies = sorted(self.latencies) + [forever] * (unanswered + self.failed)
        lags = sorted(self.lags)
        return {
            "requests": self.sent,
            "requests_per_second": len(self.latencies) / seconds,
            "failed": self.failed,
            "unanswered": unanswered,
            **{f"p{q}_ms": 1000 * percentile(latencies, q) for q in (50, 99)},
            "max_ms": 1000 * latencies[-1],
            "lag_p99_ms": 1000 * percentile(lags, 99),
        }


class Connection(asyncio.Protocol):
    """One connection with at most one request on it."""

    def __init__(self, client: Client) -> None:
        """`client` is told when a reply is complete or the connection is gone."""
        self.client = client
        self.due: float | None = None  # of the request on it
        self.transport: asyncio.Transport | None = None
        self.parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ready for a request."""
        self.transport = cast("asyncio.Transport", transport)
        self.client.connections.add(self)
        self.client.idle.append(self)
        self.client.pump()

    def send(self, due: float) -> None:
        """Send the request that was due then."""
        assert self.transport is not None
        self.due = due
        self.transport.write(self.client.request)

    def data_received(self, data: bytes) -> None:
        """Bytes of a reply."""
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        """A whole reply: called by the parser."""
        due, self.due = self.due, None
        ok = 200 <= self.parser.get_status_code() < 300
        keep = self.parser.should_keep_alive()
        self.parser = httptools.HttpResponseParser(self)
        if due is not None:
            self.client.answered(due, ok=ok)
        if keep:
            self.client.idle.append(self)
        elif self.transport is not None:
            self.transport.close()
        self.client.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed by either side, in the middle of a request or not."""
        if self in self.client.idle:
            self.client.idle.remove(self)
        if self.due is not None:
            self.client.answered(self.due, ok=False)
        self.client.connections.discard(self)
        self.client.pump()

    def abort(self) -> None:
        """Close at once."""
        assert self.transport is not None
        self.transport.abort()


class Client:
    """Sends requests when they are due, over as many connections as it takes."""

    def __init__(self, port: int, request: bytes) -> None:
        """`request` is what is sent each time, head and body."""
        self.port = port
        self.request = request
        self.tally = Tally()
        self.idle: deque[Connection] = deque()
        self.waiting: deque[float] = deque()  # due, but no connection is free
        self.connections: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.error: BaseException | None = None  # in this program, not the server's

    async def run(self, schedule: Schedule, spin: bool) -> dict[str, float]:
        """Follow the schedule, give the last replies some time, and tell what was seen."""
        asyncio.get_running_loop().set_exception_handler(self._note)
        start = time.perf_counter()
        for offset in schedule.times():
            due = start + offset
            while (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(0 if spin else ahead)
            self.tally.sent += 1
            self.tally.lags.append(-ahead)
            self.waiting.append(due)
            self.pump()
        deadline = time.perf_counter() + DRAIN_SECONDS
        while self._pending() and time.perf_counter() < deadline:
            await asyncio.sleep(0.01)
        figures = self.tally.figures(schedule.seconds)
        await self._close()
        if self.error is not None:
            raise self.error
        return figures

    def pump(self) -> None:
        """Give what is due to idle connections; open new ones for the rest."""
        while self.waiting and self.idle:
            self.idle.pop().send(self.waiting.popleft())
        room = MAX_CONNECTIONS - len(self.connections) - len(self.tasks)
        for _ in range(min(len(self.waiting) - len(self.tasks), room)):
            task = asyncio.ensure_future(self._connect())
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    def answered(self, due: float, *, ok: bool) -> None:
        """A request came to its end."""
        if ok:
            self.tally.latencies.append(time.perf_counter() - due)
        else:
            self.tally.failed += 1

    async def _close(self) -> None:
        """Drop all connections, whatever is on them."""
        self.waiting.clear()
        await asyncio.gather(*self.tasks)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)  # for the loop to let go of them

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What a callback raised, which would else only be logged."""
        self.error = context.get("exception") or RuntimeError(context["message"])

    def _pending(self) -> int:
        return self.tally.sent - len(self.tally.latencies) - self.tally.failed

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):  # what is due stays due
            await loop.create_connection(lambda: Connection(self), LOOPBACK, self.port)


def request_bytes(method: str, path: str, body: bytes, content_type: str) -> bytes:
    """A whole HTTP/1.1 request."""
    head = f"{method} {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\n"
    if body:
        head += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


def main() -> None:
    """Run one load and print its figures as JSON."""
    parser = argparse.ArgumentParser(description="A load at a fixed rate.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/")
    parser.add_argument("--body", type=Path, help="a file to POST; without it the method is GET")
    parser.add_argument("--content-type", default="application/json")
    parser.add_argument("--rate", type=float, required=True, help="requests a second")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--even", action="store_true", help="equal gaps instead of random ones")
    parser.add_argument("--spin", action="store_true", help="poll the clock; needs its own CPU")
    options = parser.parse_args()

    body = options.body.read_bytes() if options.body else b""
    request = request_bytes("POST" if body else "GET", options.path, body, options.content_type)
    client = Client(options.port, request)
    schedule = Schedule(options.rate, options.seconds, options.even)
    print(json.dumps(uvloop.run(client.run(schedule, options.spin))))


if __name__ == "__main__":
    main()
