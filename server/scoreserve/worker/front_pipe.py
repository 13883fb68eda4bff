"""The worker's ends of the two pipes: blocking, one frame at a time."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Sequence
from typing import Protocol

from scoreserve import wire
from scoreserve.pipes import pipe

_BUFFER_BYTES = 1 << 18
_ORPHAN_GRACE_SECONDS = 1.0
_LOOK_SECONDS = 0.1


class Frame:
    """One frame: `records` is how many records `payload` holds.

    The payload is a view where its records are large. It is valid until the next `receive`, unless
    it has a buffer of its own. `refused` are the ids of jobs that came with it, and for which there
    was no memory.
    """

    def __init__(
        self,
        kind: int,
        records: int,
        payload: bytes | memoryview,
        refused: Sequence[int] = (),
    ) -> None:
        self.kind = kind
        self.records = records
        self.payload = payload
        self.refused = refused


class Source(Protocol):
    """What is asked of the reading end of a pipe: of an unbuffered file, that is."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...

    def fileno(self) -> int: ...

    def close(self) -> None: ...


class Sink(Protocol):
    """What is asked of the writing end."""

    def write(self, data: wire.Buffer, /) -> int | None: ...

    def close(self) -> None: ...


class FrontPipe:
    """Frames from the front come over `source`, those to it go over `sink`. Frames of more than
    `buffer_bytes` are large.

    Two pipes: a small write to one costs the kernel half of what it does to a socket.
    """

    def __init__(self, source: Source, sink: Sink, buffer_bytes: int = _BUFFER_BYTES) -> None:
        self._source = source
        self._sink = sink
        self._buffer_bytes = buffer_bytes
        self._buffer = memoryview(bytearray(buffer_bytes))
        self._start = 0  # of the bytes received and not yet handed out
        self._end = 0

    def receive(self) -> Frame | None:
        """The next frame, or None when the front has closed its end.

        A frame larger than the standing buffer gets one of its own, which its payload keeps alive:
        whoever drops the payload frees the memory of a large body. Where there is none for it, its
        large jobs are read and thrown away.
        """
        if not self._fill(wire.PREFIX_BYTES):
            return None
        kind, records, length = wire.read_prefix(self._take(wire.PREFIX_BYTES).tobytes())
        if length > self._buffer_bytes:
            try:
                payload = memoryview(bytearray(length))
            except MemoryError:
                return self._take_small(kind, records, length)
            return Frame(kind, records, payload) if self._read_into(payload) else None
        if not self._fill(length):
            return None
        view = self._take(length)
        # Small records are read faster where they need no views of their own.
        small = length < wire.JOIN_BELOW_BYTES * records
        return Frame(kind, records, view.tobytes() if small else view)

    def has_more(self) -> bool:
        """Whether `receive` need not wait for a frame to begin."""
        if self._end > self._start:
            return True
        poll = select.poll()
        poll.register(self._source.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def give_up(self) -> None:
        """Lets go of the pipes: `receive` sees the end, and `send` fails, from now on."""
        self._source.close()
        self._sink.close()
        self._source, writer = pipe()
        writer.close()
        reader, self._sink = pipe()
        reader.close()
        self._start = self._end = 0

    def send(self, buffers: list[bytes]) -> None:
        """Writes the buffers in order. Raises OSError when the front is gone."""
        if len(buffers) > 1 and wire.size(buffers) < wire.JOIN_BELOW_BYTES:
            buffers = [b"".join(buffers)]
        for buffer in buffers:
            self._write(buffer)

    def _write(self, data: bytes) -> None:
        written = self._sink.write(data) or 0
        while written < len(data):  # a signal came
            written += self._sink.write(memoryview(data)[written:]) or 0

    def _fill(self, needed: int) -> bool:
        """Reads until `needed` bytes are there to hand out; False at end of stream."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + needed > self._buffer_bytes:
            kept = bytes(self._buffer[self._start : self._end])
            self._buffer[: len(kept)] = kept
            self._start, self._end = 0, len(kept)
        while self._end - self._start < needed:
            received = self._source.readinto(self._buffer[self._end :])
            if not received:
                return False
            self._end += received
        return True

    def _take(self, length: int) -> memoryview:
        start = self._start
        self._start += length
        return self._buffer[start : self._start]

    def _read_into(self, payload: memoryview) -> bool:
        """Fills a payload that is larger than the buffer; False at end of stream."""
        have = self._end - self._start
        payload[:have] = self._buffer[self._start : self._end]
        self._start = self._end = 0
        while have < len(payload):
            received = self._source.readinto(payload[have:])
            if not received:
                return False
            have += received
        return True

    def _take_small(self, kind: int, records: int, length: int) -> Frame | None:
        """What the standing buffer's size is enough for of the jobs of a frame; the others are
        refused. None at end of stream.
        """
        if kind != wire.JOBS:
            raise MemoryError
        kept: list[bytes] = []
        room = self._buffer_bytes
        refused: list[int] = []
        for _ in range(records):
            if not self._fill(wire.JOB_BYTES):
                return None
            record = self._take(wire.JOB_BYTES).tobytes()
            job_id, size = wire.read_job(record)
            length -= wire.JOB_BYTES + size
            if length < 0:
                raise wire.FrameError("a frame is shorter than its jobs")
            if size > room:
                refused.append(job_id)
                if not self._skip(size):
                    return None
                continue
            if not self._fill(size):
                return None
            kept += (record, self._take(size).tobytes())
            room -= size
        if length:
            raise wire.FrameError("a frame is longer than its jobs")
        return Frame(kind, records - len(refused), b"".join(kept), refused)

    def _skip(self, size: int) -> bool:
        """Throws bytes away; False at end of stream."""
        there = min(size, self._end - self._start)
        self._start += there
        size -= there
        while size > 0:  # and nothing is in the buffer
            received = self._source.readinto(self._buffer[: min(size, self._buffer_bytes)])
            if not received:
                return False
            size -= received
        return True


class OrphanWatch:
    """Ends this process and its children once the other end of a pipe is closed.

    An idle worker leaves by itself when `receive` sees the end. This is for the one that is busy in
    run(): it gets `grace_seconds`, then the whole process group is killed, so that neither the
    worker nor what the script started outlives the server. Where C code holds the GIL, so that no
    thread of Python's can do so, the kernel ends the worker (`parent_death`).
    """

    def __init__(self, descriptor: int) -> None:
        self.grace_seconds = _ORPHAN_GRACE_SECONDS
        self._descriptor = descriptor

    def start(self) -> None:
        """Watches, in a thread."""
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        poller = select.poll()
        poller.register(self._descriptor, 0)  # no events asked for: only a hang-up is reported
        poller.poll()
        since = time.monotonic()
        while time.monotonic() < since + self.grace_seconds:
            time.sleep(_LOOK_SECONDS)
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
