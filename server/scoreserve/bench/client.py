"""The load generator: `python -m scoreserve.bench.client`.

A process of its own. Reads one JSON object from stdin, the arguments of `measure`, and prints one:
`load.Figures`. Each connection posts a sample, waits for the answer, and posts the next; one that
the server closes is opened anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httptools
import uvloop

from scoreserve.bench.figures import percentile

_AGAIN_SECONDS = 0.1  # before a connection that was refused is tried again


class Load:
    """What all connections share: the requests, the time, what has come of it."""

    def __init__(self, requests: Sequence[bytes], seconds: float) -> None:
        self._requests = cycle(requests)
        self.started = time.perf_counter()
        self._deadline = self.started + seconds
        self._ended = self.started
        self._latencies: list[float] = []  # seconds
        self.answered_once = asyncio.Event()
        self.errors: Counter[str] = Counter()

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.perf_counter() >= self._deadline

    def next_request(self) -> bytes:
        """The bytes to send."""
        return next(self._requests)

    def answered(self, status: int, sent: float) -> None:
        """An answer is there in full, to what was `sent` at that time."""
        now = time.perf_counter()
        if now > self._deadline and self._latencies:
            return  # but one that is slower than the whole reading is better than none
        self._ended = now
        self._latencies.append(now - sent)
        self.answered_once.set()
        if not 200 <= status < 300:
            self.errors[f"status {status}"] += 1

    def figures(self) -> dict[str, Any]:
        """In the form of `load.Figures`, without `busy`."""
        ordered = sorted(self._latencies)
        return {
            "requests": len(ordered),
            "seconds": max(self._ended, min(self._deadline, time.perf_counter())) - self.started,
            "p50_ms": percentile(ordered, 50) * 1e3 if ordered else 0.0,
            "p99_ms": percentile(ordered, 99) * 1e3 if ordered else 0.0,
            "errors": dict(self.errors),
        }


class Connection(asyncio.Protocol):
    """One connection: a request at a time. `ended` is set when no more is to be expected of it."""

    def __init__(self, load: Load) -> None:
        self.ended = asyncio.get_running_loop().create_future()
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._sent: float | None = None  # when the request was sent that is not answered yet

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._send()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("no HTTP")

    def on_message_complete(self) -> None:
        """An answer is there in full: httptools calls it."""
        assert self._sent is not None
        self._load.answered(self._parser.get_status_code(), self._sent)
        self._sent = None
        if self._parser.should_keep_alive():
            self._send()
        else:
            self._close()

    def connection_lost(self, error: Exception | None) -> None:
        if self._sent is not None:
            self._fail("disconnected")
        if not self.ended.done():
            self.ended.set_result(None)

    def _send(self) -> None:
        assert self._transport is not None
        if self._load.over:
            self._close()
            return
        self._sent = time.perf_counter()
        self._transport.write(self._load.next_request())

    def _fail(self, what: str) -> None:
        self._load.errors[what] += 1
        self.give_up()

    def give_up(self) -> None:
        """Closes the connection, without waiting for an answer any more."""
        self._sent = None
        self._close()

    def _close(self) -> None:
        assert self._transport is not None
        self._transport.close()


async def measure(
    url: str,
    samples: Sequence[tuple[str, str]],
    connections: int,
    seconds: float,
    reply_seconds: float,
) -> dict[str, Any]:
    """The load, and its figures. `samples` are files, each with its content type. Where none is
    answered in time, the first answer may take `reply_seconds` more.
    """
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    requests = [
        _request(address.path, f"{host}:{port}", file, content_type)
        for file, content_type in samples
    ]
    load = Load(requests, seconds)
    tasks = [asyncio.create_task(_keep_going(load, host, port)) for _ in range(connections)]
    await asyncio.wait(tasks, timeout=seconds)
    with contextlib.suppress(asyncio.TimeoutError):
        # Answers that are late say nothing more; but one of a slow script is better than none.
        await asyncio.wait_for(load.answered_once.wait(), 0 if load.errors else reply_seconds)
    if not load.answered_once.is_set() and not load.errors:
        load.errors["no answer in time"] = connections
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return load.figures()


async def _keep_going(load: Load, host: str, port: int) -> None:
    """One connection after the other, until the time is up."""
    while not load.over:
        await _connect(load, host, port)


async def _connect(load: Load, host: str, port: int) -> None:
    """One connection, from its beginning to its end."""
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(load), host, port
        )
    except OSError:
        load.errors["not connected"] += 1
        await asyncio.sleep(_AGAIN_SECONDS)
    else:
        try:
            await connection.ended
        finally:
            connection.give_up()


def _request(path: str, host: str, file: str, content_type: str) -> bytes:
    """The bytes of a request whose body is this file."""
    body = Path(file).read_bytes()
    head = f"POST {path or '/'} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


if __name__ == "__main__":
    print(json.dumps(uvloop.run(measure(**json.load(sys.stdin)))))
