"""The front's ends of one worker's two pipes: an asyncio protocol that speaks frames."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, Protocol

from scoreserve import wire
from scoreserve.front.queue.job import QueuedJob
from scoreserve.wire import Outcome

_log = logging.getLogger("azmlinfsrv")

LARGE_BYTES: Final = 1 << 20  # of an outcome whose body is passed on in the parts in which it came


class PipeEvents(Protocol):
    """Who is told what a worker says."""

    def on_stage(self, text: str) -> None: ...

    def on_ready(self, info: dict[str, Any]) -> None: ...

    def on_boot_failed(self, why: bytes) -> None: ...

    def on_running(self, job_ids: Sequence[int]) -> None: ...

    def on_returned(self, job_ids: Sequence[int]) -> None: ...

    def on_outcomes(self, outcomes: Sequence[Outcome]) -> None: ...

    def on_chunk(self, job_id: int, chunk: bytes) -> None: ...

    def on_stream_end(self, job_id: int, *, complete: bool) -> None: ...

    def on_batch_counts(self, counts: dict[str, Any]) -> None: ...

    def on_report(self, payload: bytes) -> None: ...

    def on_tried(self, payload: bytes) -> None: ...

    def on_closed(self) -> None:
        """The worker's end is closed, or what came from it is not the protocol."""


class WorkerPipe(asyncio.Protocol):
    """Splits what a worker writes into frames and reports each to `events`. It is the protocol of
    the connection that they come over; `open` gives it the one to write to.
    """

    def __init__(self, events: PipeEvents) -> None:
        self._events = events
        self._source: asyncio.BaseTransport | None = None
        self._sink: asyncio.WriteTransport | None = None
        self._pending: list[bytes] = []  # the beginning of a frame, as it came
        self._pending_bytes = 0
        self._large = False  # it is one large outcome
        self._frame_end = wire.PREFIX_BYTES  # how many bytes make the pending frame complete
        self._failures: dict[int, str] = {}  # by job, of outcomes that follow

    def send(self, jobs: Sequence[QueuedJob]) -> None:
        """Hands jobs to the worker."""
        if self._sink is None:
            return
        self._sink.writelines(wire.encode_jobs(jobs))

    def send_setup(self, settings: bytes) -> None:
        """Sends the worker its settings, the first frame it gets."""
        if self._sink is not None:
            self._sink.write(wire.frame(wire.SETUP, settings))

    def send_leave(self, seconds: int) -> None:
        """Asks the worker to leave, once it is idle, and to be gone in so many seconds."""
        if self._sink is not None:
            self._sink.write(wire.frame(wire.LEAVE, count=seconds))

    def send_stream_request(self, kind: int, job_id: int) -> None:
        """Asks for MORE of a streamed body, or to STOP it."""
        if self._sink is not None:
            self._sink.write(wire.stream_request(kind, job_id))

    def close(self) -> None:
        """Tells the worker to finish: it sees the end of the stream."""
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.close()
        if self._source is not None:
            self._source.close()

    def open(self, sink: asyncio.WriteTransport) -> None:
        """What is sent goes here from now on."""
        self._sink = sink

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._source = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._source = None
        self.close()
        self._events.on_closed()

    def data_received(self, data: bytes) -> None:
        try:
            self._receive(data)
        except wire.FrameError:
            _log.exception("What a worker sends is not the protocol; it is ended")
            self.close()

    def _receive(self, data: bytes) -> None:
        """Raises FrameError."""
        if self._pending:
            self._pending.append(data)
            self._pending_bytes += len(data)
            if self._pending_bytes < self._frame_end:
                return
            chunks, self._pending = self._pending, []
            data = self._read_large(chunks) if self._large else b"".join(chunks)
        consumed = self._read_frames(data)
        if consumed < len(data):
            rest = data[consumed:] if consumed else data
            self._pending = [rest]
            self._pending_bytes = len(rest)

    def _read_large(self, chunks: list[bytes]) -> bytes:
        """Reports the large outcome that came in these chunks; returns what follows it."""
        self._large = False
        outcome, rest = wire.decode_large_outcome(chunks, self._frame_end)
        self._frame_end = wire.PREFIX_BYTES
        self._tell_outcomes([outcome])
        return rest

    def _read_frames(self, data: bytes) -> int:
        """Reports the complete frames in `data`; returns where the first incomplete one starts.

        Frames of outcomes that come one after the other are reported together.
        """
        start = 0
        outcomes: list[Outcome] = []
        try:
            while len(data) - start >= wire.PREFIX_BYTES:
                kind, count, length = wire.read_prefix(data, start)
                body = start + wire.PREFIX_BYTES
                self._frame_end = wire.PREFIX_BYTES + length
                if len(data) - start < self._frame_end:
                    self._large = kind == wire.OUTCOMES and count == 1 and length >= LARGE_BYTES
                    return start
                if kind == wire.OUTCOMES:
                    outcomes += wire.decode_outcomes(data, body, length, count)
                else:
                    if outcomes:
                        self._tell_outcomes(outcomes)
                        outcomes = []
                    self._tell(kind, count, data[body : body + length])
                start = body + length
            self._frame_end = wire.PREFIX_BYTES
            return start
        finally:
            if outcomes:
                self._tell_outcomes(outcomes)

    # What is told is guarded: a fault on our side is no fault of the worker's.

    def _tell_outcomes(self, outcomes: list[Outcome]) -> None:
        if self._failures:
            for outcome in outcomes:
                outcome.failure = self._failures.pop(outcome.id, "")
        try:
            self._events.on_outcomes(outcomes)
        except Exception:  # noqa: BLE001
            _log.exception("Outcomes of a worker could not be dealt with")

    def _tell(self, kind: int, count: int, payload: bytes) -> None:
        """Reports one frame. Raises FrameError."""
        try:
            tell = self._event(kind, count, payload)
        except ValueError as error:  # of JSON or UTF-8; FrameError is one
            raise wire.FrameError(f"a frame of kind {kind} is damaged: {error}") from None
        try:
            tell()
        except Exception:  # noqa: BLE001
            _log.exception("What a worker said could not be dealt with")

    def _event(  # noqa: C901 - a branch a kind
        self, kind: int, count: int, payload: bytes
    ) -> Callable[[], None]:
        """What is to be told of a frame. Raises ValueError."""
        events = self._events
        if kind == wire.RUNNING:
            told = partial(events.on_running, wire.read_job_ids(payload, count))
        elif kind == wire.RETURNED:
            told = partial(events.on_returned, wire.read_job_ids(payload, count))
        elif kind == wire.BATCH_COUNTS:
            told = partial(events.on_batch_counts, json.loads(payload))
        elif kind == wire.REPORT:
            told = partial(events.on_report, payload)
        elif kind == wire.TRIED:
            told = partial(events.on_tried, payload)
        elif kind == wire.FAILURE:
            told = partial(self._failures.__setitem__, *wire.read_failure(payload))
        elif kind == wire.CHUNK:
            told = partial(events.on_chunk, *wire.read_chunk(payload))
        elif kind == wire.STREAM_END:
            job_id, complete = wire.read_stream_end(payload)
            told = partial(events.on_stream_end, job_id, complete=complete)
        elif kind == wire.STAGE:
            told = partial(events.on_stage, payload.decode())
        elif kind == wire.READY:
            told = partial(events.on_ready, json.loads(payload))
        elif kind == wire.BOOT_FAILED:
            told = partial(events.on_boot_failed, payload)
        else:
            raise wire.FrameError("a worker does not send such frames")
        return told
