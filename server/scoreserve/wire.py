"""Frames between the front and one scoring worker, over pipes. Both processes import this.

A frame is a fixed prefix and a payload:

    prefix   kind i32, count i32, payload length i64                      (16 bytes)
    payload  SETUP         JSON                   front → worker   once, first: see `worker_setup`
             STAGE         text                   worker → front   what the start-up is doing
             READY         JSON                   worker → front   init() is done, send jobs
             BOOT_FAILED   JSON, UTF-8            worker → front   why the script cannot serve
             JOBS          count job records      front → worker   a batch to score
             RUNNING       count job ids i64      worker → front   these share the run() that begins
             FAILURE       job id i64, text       worker → front   why; its outcome follows
             OUTCOMES      count outcome records  worker → front   answers, in any order
             CHUNK         job id i64, bytes      worker → front   a part of a streamed body
             STREAM_END    job id i64, ok u8      worker → front   the body is complete, or broken
             RETURNED      count job ids i64      worker → front   not begun: others may have them
             BATCH_COUNTS  JSON                   worker → front   news of merging, for metrics
             REPORT        see `reports`          worker → front   for telemetry, where it is on
             TRIED         JSON                   worker → front   what came of a trial at start
             LEAVE         nothing                front → worker   idle now; count seconds to end in
             MORE          job id i64             front → worker   send the next chunk
             STOP          job id i64             front → worker   nobody wants the rest

    job      id i64, head length i64, body length i64, head, body
    outcome  id i64, status i32, flags i32, run seconds f64, head length i64, body length i64,
             head, body

A template, of which workers are forked, has the first four too (SETUP: the settings alone), and:

             FORK          nothing                front → template  the pipes' ends come with it
             FORKED        JSON                   template → front  the worker's id, or why none

A job's head is what the script may need of the request besides its body (see `heads`); an
outcome's head is the
block of response header lines (`name: value CRLF`, names in lower case, without the blank line).
Bodies are raw bytes: the front never decodes one.

All integers are little-endian. Lengths are checked against the frame, so a damaged frame raises
FrameError instead of giving one request's bytes to another.

What comes with every request is written and read a number at a time, which compiled is a load or a
store; `struct` does the rest.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from librt.strings import (
    BytesWriter,
    read_f64_le,
    read_i32_le,
    read_i64_le,
    write_f64_le,
    write_i32_le,
    write_i64_le,
)
from mypy_extensions import i64, mypyc_attr

SETUP: Final = 1
STAGE: Final = 2
READY: Final = 3
BOOT_FAILED: Final = 4
JOBS: Final = 5
RUNNING: Final = 6
OUTCOMES: Final = 7
CHUNK: Final = 8
STREAM_END: Final = 9
BATCH_COUNTS: Final = 10
MORE: Final = 11
STOP: Final = 12
RETURNED: Final = 13
LEAVE: Final = 14
FAILURE: Final = 15
REPORT: Final = 16
TRIED: Final = 17
FORK: Final = 18
FORKED: Final = 19

_STREAM: Final = struct.Struct("<q")
_STREAM_END: Final = struct.Struct("<q?")

# Flags of an outcome.
RAN: Final = 1  # run() returned
STREAMED: Final = 2  # the body follows in CHUNK frames
SIZED: Final = 4  # the head has a content-length of its own, as the answer to HEAD has
CLOSE: Final = 8  # the script wants the connection to end with the response

PREFIX_BYTES: Final = 16
JOB_BYTES: Final = 24  # of a job record, before head and body
_OUTCOME_BYTES: Final = 40
JOIN_BELOW_BYTES: Final = 1 << 16  # one write beats several as long as copying is cheap
Chunk = bytes | bytearray
Buffer = Chunk | memoryview


class FrameError(ValueError):
    """The bytes received are not a frame."""


# What is made for every request has an __init__ written out: compiled, it takes a quarter of the
# time of a named tuple's, and a seventh of the one that dataclass makes.


@mypyc_attr(allow_interpreted_subclasses=True)
class Job:
    """One request as the front sends it, its body in chunks as they were received."""

    def __init__(self, id: int, head: bytes, chunks: Sequence[Chunk]) -> None:
        self.id = id
        self.head = head
        self.chunks = chunks


@dataclass(init=False)
class WireJob:
    """One request as the worker sees it. `body` may be a view into the receive buffer."""

    id: int
    head: bytes
    body: Buffer

    def __init__(self, id: int, head: bytes, body: Buffer) -> None:
        self.id = id
        self.head = head
        self.body = body


@dataclass(init=False)
class Outcome:
    """What became of one job. `run_seconds` is the wall time in run(). A large body may be in
    `parts`, and `body` empty. `failure` is for whoever looks after the service: the line that says
    what went wrong. It goes over the pipe in a frame of its own, ahead of the outcome.
    """

    id: int
    status: int
    head: bytes
    body: bytes
    run_seconds: float
    flags: int

    def __init__(  # noqa: PLR0913, PLR0917 - a field each
        self,
        id: int,
        status: int,
        head: bytes,
        body: bytes,
        run_seconds: float = 0.0,
        flags: int = 0,
    ) -> None:
        self.id = id
        self.status = status
        self.head = head
        self.body = body
        self.run_seconds = run_seconds
        self.flags = flags
        self.parts: Sequence[Buffer] = ()
        self.failure = ""

    @property
    def length(self) -> int:
        """The bytes of the body."""
        return sum(map(len, self.parts)) if self.parts else len(self.body)

    @property
    def ran(self) -> bool:
        """Whether run() returned."""
        return bool(self.flags & RAN)

    @property
    def streamed(self) -> bool:
        """Whether the body follows in chunks."""
        return bool(self.flags & STREAMED)

    @property
    def sized(self) -> bool:
        """Whether the head brings a content-length."""
        return bool(self.flags & SIZED)

    @property
    def closes(self) -> bool:
        """Whether the connection is to end with the response."""
        return bool(self.flags & CLOSE)


def size(buffers: Sequence[Chunk]) -> int:
    """Bytes in all the buffers together."""
    if len(buffers) == 1:
        return len(buffers[0])
    total = 0
    for buffer in buffers:  # compiled, this beats `sum(map(len, buffers))`
        total += len(buffer)
    return total


def beginning(body: bytes, parts: Sequence[Buffer], most: int) -> bytes:
    """So many bytes at most of a body that is whole, or in parts and `body` empty."""
    found = body[:most]
    for part in parts:
        if len(found) == most:
            break
        found += bytes(memoryview(part)[: most - len(found)])
    return found


def frame(kind: int, payload: bytes = b"", count: int = 1) -> bytes:
    """One frame as bytes."""
    out = BytesWriter()
    _write_prefix(out, kind, count, len(payload))
    out.write(payload)
    return out.getvalue()


def _write_prefix(out: BytesWriter, kind: int, count: int, length: i64) -> None:
    write_i32_le(out, kind)
    write_i32_le(out, count)
    write_i64_le(out, length)


def read_prefix(data: bytes, offset: int = 0) -> tuple[int, int, int]:
    """(kind, count, payload length) of the frame whose prefix starts at `offset`."""
    kind, count = int(read_i32_le(data, offset)), int(read_i32_le(data, offset + 4))
    length = int(read_i64_le(data, offset + 8))
    if not SETUP <= kind <= FORKED:
        raise FrameError(f"unknown frame kind {kind}")
    if count < 0 or length < 0:
        raise FrameError(f"a frame of {count} records in {length} bytes")
    return kind, count, length


def encode_jobs(jobs: Sequence[Job]) -> list[Chunk]:
    """A JOBS frame, as buffers to be written one after the other.

    A large body is passed on as it is: one of 77 MB is not copied here.
    """
    sizes = [size(job.chunks) for job in jobs]
    total = sum(sizes)
    for job in jobs:
        total += JOB_BYTES + len(job.head)
    out = BytesWriter()
    _write_prefix(out, JOBS, len(jobs), total)
    buffers: list[Chunk] = []
    for job, body_length in zip(jobs, sizes, strict=True):
        write_i64_le(out, job.id)
        write_i64_le(out, len(job.head))
        write_i64_le(out, body_length)
        out.write(job.head)
        if body_length < JOIN_BELOW_BYTES:
            for chunk in job.chunks:
                out.write(chunk if isinstance(chunk, bytes) else bytes(chunk))
        else:
            buffers += (out.getvalue(), *job.chunks)
            out.truncate(0)
    if len(out):
        buffers.append(out.getvalue())
    return buffers


def decode_jobs(payload: bytes | memoryview, count: int) -> list[WireJob]:
    """The jobs of a JOBS payload. Bodies are views into it where it is one."""
    jobs = []
    start: i64 = 0
    end: i64 = len(payload)
    for _ in range(count):
        record = _part(payload, start, start + JOB_BYTES)
        start += JOB_BYTES
        if len(record) < JOB_BYTES:
            raise FrameError("a frame is shorter than its jobs")
        head_length, body_length = read_i64_le(record, 8), read_i64_le(record, 16)
        body_start = _end_of(start, head_length, end)
        body_end = _end_of(body_start, body_length, end)
        head, body = _part(payload, start, body_start), _view(payload, body_start, body_end)
        jobs.append(WireJob(int(read_i64_le(record, 0)), head, body))
        start = body_end
    if start != end:
        raise FrameError("a frame is longer than its jobs")
    return jobs


def read_job(record: bytes) -> tuple[int, int]:
    """(id, bytes of head and body, which follow) of the job whose record begins so."""
    head_length, body_length = read_i64_le(record, 8), read_i64_le(record, 16)
    if head_length < 0 or body_length < 0:
        raise FrameError("a part of a job has less than no bytes")
    return int(read_i64_le(record, 0)), int(head_length + body_length)


def _part(payload: bytes | memoryview, start: int, end: int) -> bytes:
    part = _view(payload, start, end)
    return part if isinstance(part, bytes) else part.tobytes()


def _view(payload: bytes | memoryview, start: int, end: int) -> bytes | memoryview:
    if isinstance(payload, bytes):  # compiled, this beats one slice of whichever it is
        return payload[start:end]
    return payload[start:end]


def _end_of(start: i64, length: i64, end: i64) -> i64:
    """Where a part of so many bytes ends that must lie before `end`."""
    if not 0 <= length <= end - start:
        raise FrameError("a part of a record is longer than its frame")
    return start + length


def encode_outcomes(outcomes: list[Outcome]) -> list[bytes]:
    """An OUTCOMES frame, as buffers to be written one after the other. Before it comes a FAILURE
    frame for each outcome that has one to tell.
    """
    buffers: list[bytes] = []
    total = 0
    for outcome in outcomes:
        total += _OUTCOME_BYTES + len(outcome.head) + len(outcome.body)
        if outcome.failure:
            buffers.append(_failure(outcome.id, outcome.failure))
    out = BytesWriter()
    _write_prefix(out, OUTCOMES, len(outcomes), total)
    for outcome in outcomes:
        head, body = outcome.head, outcome.body
        write_i64_le(out, outcome.id)
        write_i32_le(out, outcome.status)
        write_i32_le(out, outcome.flags)
        write_f64_le(out, outcome.run_seconds)
        write_i64_le(out, len(head))
        write_i64_le(out, len(body))
        out.write(head)
        if len(body) < JOIN_BELOW_BYTES:
            out.write(body)
        else:
            buffers += (out.getvalue(), body)
            out.truncate(0)
    if len(out):
        buffers.append(out.getvalue())
    return buffers


def _failure(job_id: int, text: str) -> bytes:
    return frame(FAILURE, _STREAM.pack(job_id) + text.encode(errors="replace"))


def read_failure(payload: bytes) -> tuple[int, str]:
    """(job id, what went wrong) of a FAILURE payload."""
    return read_stream_id(payload), payload[_STREAM.size :].decode()


def decode_outcomes(data: bytes, start: int, length: int, count: int) -> list[Outcome]:
    """The outcomes of an OUTCOMES payload that takes `length` bytes of `data` from `start`."""
    outcomes = []
    offset: i64 = start
    end: i64 = start + length
    for _ in range(count):
        head_start = offset + _OUTCOME_BYTES
        if head_start > end:
            raise FrameError("a frame is shorter than its outcomes")
        body_start = _end_of(head_start, read_i64_le(data, offset + 24), end)
        body_end = _end_of(body_start, read_i64_le(data, offset + 32), end)
        outcomes.append(
            Outcome(
                int(read_i64_le(data, offset)),
                int(read_i32_le(data, offset + 8)),
                data[head_start:body_start],
                data[body_start:body_end],
                read_f64_le(data, offset + 16),
                int(read_i32_le(data, offset + 12)),
            )
        )
        offset = body_end
    if offset != end:
        raise FrameError("a frame is longer than its outcomes")
    return outcomes


def decode_large_outcome(chunks: list[bytes], end: int) -> tuple[Outcome, bytes]:
    """The outcome of a frame that holds one, and came in these chunks; `end` is its length, prefix
    included. The body stays in the parts in which it came. What follows the frame is given too.
    """
    first = b""
    parts: list[Buffer] = list(chunks)
    head_start = PREFIX_BYTES + _OUTCOME_BYTES
    body_start = head_start
    while len(first) < body_start or body_start == head_start:
        if not parts:
            raise FrameError("a frame is shorter than its outcome")
        first += bytes(parts.pop(0))
        if len(first) >= head_start:
            body_start = head_start + int(read_i64_le(first, PREFIX_BYTES + 24))
            body_length = int(read_i64_le(first, PREFIX_BYTES + 32))
            if body_start < head_start or body_start + body_length != end:
                raise FrameError("a frame is not as long as its outcome")
            if body_start == head_start:
                break
    outcome = Outcome(
        int(read_i64_le(first, PREFIX_BYTES)),
        int(read_i32_le(first, PREFIX_BYTES + 8)),
        first[head_start:body_start],
        b"",
        read_f64_le(first, PREFIX_BYTES + 16),
        int(read_i32_le(first, PREFIX_BYTES + 12)),
    )
    parts.insert(0, memoryview(first)[body_start:])
    excess = sum(map(len, parts)) - (end - body_start)
    rest = b""
    if excess:
        last = memoryview(parts.pop())
        rest = last[len(last) - excess :].tobytes()
        parts.append(last[: len(last) - excess])
    outcome.parts = parts
    return outcome, rest


def count_whole(outcomes: Sequence[Outcome]) -> int:
    """How many outcomes are not followed by a streamed body."""
    count = 0
    for outcome in outcomes:
        if not outcome.streamed:
            count += 1
    return count


def about_jobs(kind: int, job_ids: Sequence[int]) -> bytes:
    """A RUNNING or a RETURNED frame."""
    return frame(kind, struct.pack(f"<{len(job_ids)}q", *job_ids), len(job_ids))


def read_job_ids(payload: bytes, count: int) -> tuple[int, ...]:
    """The job ids of a RUNNING or a RETURNED payload."""
    try:
        return struct.unpack(f"<{count}q", payload)
    except struct.error as error:
        raise FrameError(str(error)) from None


def chunk(job_id: int, body: bytes) -> bytes:
    """A CHUNK frame."""
    return frame(CHUNK, _STREAM.pack(job_id) + body)


def read_chunk(payload: bytes) -> tuple[int, bytes]:
    """(job id, bytes) of a CHUNK payload."""
    return read_stream_id(payload), payload[_STREAM.size :]


def stream_end(job_id: int, *, complete: bool) -> bytes:
    """A STREAM_END frame."""
    return frame(STREAM_END, _STREAM_END.pack(job_id, complete))


def read_stream_end(payload: bytes) -> tuple[int, bool]:
    """(job id, whether the body is complete) of a STREAM_END payload."""
    try:
        job_id, complete = _STREAM_END.unpack(payload)
    except struct.error as error:
        raise FrameError(str(error)) from None
    return job_id, complete


def stream_request(kind: int, job_id: int) -> bytes:
    """A MORE or a STOP frame."""
    return frame(kind, _STREAM.pack(job_id))


def read_stream_id(payload: Buffer) -> int:
    """The job id that a CHUNK, MORE or STOP payload begins with."""
    try:
        (job_id,) = _STREAM.unpack_from(payload)
    except struct.error as error:
        raise FrameError(str(error)) from None
    return int(job_id)
