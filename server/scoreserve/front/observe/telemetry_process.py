"""Keeps a telemetry process: starts it, feeds it, starts another when it dies.

It is no part of serving: whatever becomes of it, requests are answered as before.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import time

from scoreserve.front.observe.telemetry_feed import TelemetryFeed
from scoreserve.front.processes.child import SpawnedProcess
from scoreserve.front.workers import cpu_policy
from scoreserve.front.workers.restart_policy import pause_after
from scoreserve.pipes import pipe
from scoreserve.telemetry import records
from scoreserve.telemetry.records import FrameSplitter

_MODULE = "scoreserve.telemetry"
_PROVEN_SECONDS = 60.0  # a process that has lived as long is no longer one that keeps dying
_LAST_SECONDS = 5.5  # for the records that are left when the server stops

_log = logging.getLogger("azmlinfsrv")


class TelemetryProcess(asyncio.Protocol):
    """One process after the other, fed by `feed`. Each gets the `setup` first.

    It is the protocol of the pipe on which the process tells what it had to drop; when that pipe
    closes the process is gone.
    """

    def __init__(self, feed: TelemetryFeed, setup: bytes) -> None:
        self._feed = feed
        self._setup = setup
        self._process: SpawnedProcess | None = None  # that has not been waited for
        self._sink: asyncio.WriteTransport | None = None
        self._source: asyncio.ReadTransport | None = None
        self._frames = FrameSplitter()
        self._started = 0.0
        self._deaths = 0  # in a row
        self._stopping = False
        self._starting: asyncio.Task[None] | None = None  # kept here, or it may be collected
        self._gone = asyncio.Event()

    async def start(self) -> None:
        """Starts a process, on the running event loop."""
        self._started = time.monotonic()
        self._gone.clear()
        try:
            await self._connect(*self._spawn())
        except OSError as error:
            _log.warning(
                "The telemetry process cannot be started: %s. Nothing is sent until it can: that is"
                " tried again and again",
                error,
            )
            self._deaths += 1
            self._start_later()

    def _spawn(self) -> tuple[io.FileIO, io.FileIO]:
        """Starts it; returns our ends of its pipes, to read from and to write to."""
        with contextlib.ExitStack() as opened:
            their_source, sink = map(opened.enter_context, pipe())
            source, their_sink = map(opened.enter_context, pipe())
            descriptors = [their_source.fileno(), their_sink.fileno()]
            self._process = SpawnedProcess(_MODULE, list(map(str, descriptors)), descriptors)
            cpu_policy.drop_inherited(self._process.pid)
            opened.pop_all()
            their_source.close()
            their_sink.close()
        return source, sink

    async def _connect(self, source: io.FileIO, sink: io.FileIO) -> None:
        """Takes over these ends. Where it cannot, the process is ended. Raises OSError."""
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as undo:
            undo.callback(self._end)
            undo.enter_context(source)
            undo.enter_context(sink)
            writing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, sink)
            undo.callback(writing.abort)
            self._source, _ = await loop.connect_read_pipe(lambda: self, source)
            undo.pop_all()
        self._sink = writing
        self._feed.connect(self._sink, self._setup)

    async def stop(self) -> None:
        """Lets it send what it has, for a few seconds, and ends it."""
        self._stopping = True
        self._feed.flush()
        self._feed.disconnect()
        if self._sink is None or self._source is None or self._process is None:
            return
        self._sink.close()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._gone.wait(), _LAST_SECONDS)
        self._source.close()
        self._end()

    def data_received(self, data: bytes) -> None:
        for kind, payload in self._frames.feed(data):
            if kind == records.DROPPED:
                self._feed.lost(records.read_dropped(payload))
            elif kind == records.PAUSE:
                self._feed.pause()
            elif kind == records.RESUME:
                self._feed.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        self._feed.disconnect()
        self._frames = FrameSplitter()
        self._gone.set()
        if self._stopping:
            return
        if self._sink is not None and not self._sink.is_closing():
            self._sink.abort()
        exit_code = self._end()
        lived = time.monotonic() - self._started
        self._deaths = 1 if lived > _PROVEN_SECONDS else self._deaths + 1
        _log.warning(
            "The telemetry process has ended with exit code %d; another is started", exit_code
        )
        self._start_later()

    def _end(self) -> int:
        """Ends the process, if it has not by itself; its exit code."""
        process, self._process = self._process, None
        assert process is not None
        process.kill_group()
        return process.reap()

    def _start_later(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(pause_after(self._deaths + 1), self._start_again)

    def _start_again(self) -> None:
        if not self._stopping:
            self._starting = asyncio.ensure_future(self.start())
