"""Frames between the front and one scoring worker, over pipes. Both processes import this.

A frame is a fixed prefix and a payload:

    prefix   kind u8, 3 pad bytes, count u32, payload length u64          (16 bytes)
    payload  SETUP         JSON                   front → worker   once, first: the settings
             STAGE         text                   worker → front   what the start-up is doing
             READY         JSON                   worker → front   init() is done, send jobs
             BOOT_FAILED   nothing                worker → front   the script cannot serve
             JOBS          count job records      front → worker   a batch to score
             RUNNING       count job ids u64      worker → front   these share the run() that begins
             OUTCOMES      count outcome records  worker → front   answers, in any order
             CHUNK         job id u64, bytes      worker → front   a part of a streamed body
             STREAM_END    job id u64, ok u8      worker → front   the body is complete, or broken
             REPORT        JSON                   worker → front   news of merging, for metrics
             MORE          job id u64             front → worker   send the next chunk
             STOP          job id u64             front → worker   nobody wants the rest

    job      id u64, head length u32, pad u32, body length u64, head, body
    outcome  id u64, status u16, flags u8, pad, head length u32, run seconds f64, body length u64,
             head, body

A job's head is what the script may need of the request besides its body; an outcome's head is the
block of response header lines (`name: value CRLF`, names in lower case, without the blank line).
Bodies are raw bytes: the front never decodes one.

All integers are little-endian. Lengths are checked against the frame, so a damaged frame raises
FrameError instead of giving one request's bytes to another.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

SETUP, STAGE, READY, BOOT_FAILED, JOBS, RUNNING = range(1, 7)
OUTCOMES, CHUNK, STREAM_END, REPORT, MORE, STOP = range(7, 13)

_PREFIX: Final = struct.Struct("<B3xIQ")
_JOB: Final = struct.Struct("<QI4xQ")
_OUTCOME: Final = struct.Struct("<QHBxIdQ")
_ONE_OUTCOME: Final = struct.Struct(_PREFIX.format + _OUTCOME.format[1:])
_STREAM: Final = struct.Struct("<Q")
_STREAM_END: Final = struct.Struct("<Q?")

# Flags of an outcome.
RAN: Final = 1  # run() returned
STREAMED: Final = 2  # the body follows in CHUNK frames
SIZED: Final = 4  # the head has a content-length of its own, as the answer to HEAD has

PREFIX_BYTES: Final = _PREFIX.size
JOIN_BELOW_BYTES: Final = 1 << 16  # one write beats several as long as copying is cheap
Chunk = bytes | bytearray
Buffer = Chunk | memoryview


class FrameError(ValueError):
    """The bytes received are not a frame."""


# What is made for every request has an __init__ written out: compiled, it takes a quarter of the
# time of a named tuple's, and a seventh of the one that dataclass makes.


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
    """What became of one job. `run_seconds` is the wall time in run()."""

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


@dataclass
class RequestHead:
    """The part of a request that travels beside its body.

    `path` is as the client wrote it (percent-encoded), `query` without the `?`, `client` as
    `host:port`; header names are lower-case, in the order received, repeated names kept.
    `request_id` is the x-request-id of the answer, which the worker is told for its log.
    """

    method: bytes
    path: bytes
    query: bytes
    http_version: bytes
    scheme: bytes
    client: bytes
    headers: Sequence[tuple[bytes, bytes]]
    request_id: bytes = b""

    def header(self, name: bytes) -> bytes | None:
        """The first header of that lower-case name, or None."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    def merged_headers(self) -> dict[str, str]:
        """The headers as a WSGI server shows them to a script, names in lower case: repeated ones
        joined by a comma, and names with an underscore, which could pose as others, left out.
        """
        merged: dict[str, str] = {}
        for key, value in self.headers:
            name, text = key.decode("latin-1"), value.decode("latin-1").strip(" \t")
            if "_" not in name:
                merged[name] = f"{merged[name]},{text}" if name in merged else text
        return merged


def size(buffers: Sequence[Chunk]) -> int:
    """Bytes in all the buffers together."""
    total = 0
    for buffer in buffers:  # compiled, this beats `sum(map(len, buffers))`
        total += len(buffer)
    return total


def frame(kind: int, payload: bytes = b"", count: int = 1) -> bytes:
    """One frame as bytes."""
    return _PREFIX.pack(kind, count, len(payload)) + payload


def read_prefix(data: Buffer, offset: int = 0) -> tuple[int, int, int]:
    """(kind, count, payload length) of the frame whose prefix starts at `offset`."""
    kind, count, length = _PREFIX.unpack_from(data, offset)
    if not SETUP <= kind <= STOP:
        raise FrameError(f"unknown frame kind {kind}")
    return kind, count, length


def encode_jobs(jobs: Iterable[tuple[int, bytes, Sequence[Chunk]]]) -> list[Chunk]:
    """A JOBS frame for (id, head, body chunks), as buffers to be written one after the other.

    Chunks are passed on as they are: a body of 77 MB is not copied here.
    """
    buffers: list[Chunk] = [b""]
    count = total = 0
    for job_id, head, chunks in jobs:
        body_length = size(chunks)
        buffers.append(_JOB.pack(job_id, len(head), body_length))
        buffers.append(head)
        buffers.extend(chunks)
        count += 1
        total += _JOB.size + len(head) + body_length
    buffers[0] = _PREFIX.pack(JOBS, count, total)
    return buffers


def decode_jobs(payload: memoryview, count: int) -> list[WireJob]:
    """The jobs of a JOBS payload; bodies are views into `payload`, valid as long as it is."""
    jobs = []
    offset = 0
    end = len(payload)
    unpack, record = _JOB.unpack_from, _JOB.size
    for _ in range(count):
        try:
            job_id, head_length, body_length = unpack(payload, offset)
        except struct.error as error:
            raise FrameError(str(error)) from None
        head_start = offset + record
        body_start = head_start + head_length
        offset = body_start + body_length
        if offset > end:
            raise FrameError("a job is longer than its frame")
        head, body = payload[head_start:body_start].tobytes(), payload[body_start:offset]
        jobs.append(WireJob(job_id, head, body))
    if offset != end:
        raise FrameError("a frame is longer than its jobs")
    return jobs


def encode_outcome(outcome: Outcome) -> list[bytes]:
    """An OUTCOMES frame of one outcome, as buffers to be written one after the other."""
    head, body = outcome.head, outcome.body
    status, flags, seconds = outcome.status, outcome.flags, outcome.run_seconds
    total = _OUTCOME.size + len(head) + len(body)
    prefix = _ONE_OUTCOME.pack(
        OUTCOMES, 1, total, outcome.id, status, flags, len(head), seconds, len(body)
    )
    return [prefix, head, body]


def encode_outcomes(outcomes: Sequence[Outcome]) -> list[bytes]:
    """An OUTCOMES frame, as buffers to be written one after the other."""
    buffers = [b""]
    total = 0
    for outcome in outcomes:
        head, body = outcome.head, outcome.body
        status, flags, seconds = outcome.status, outcome.flags, outcome.run_seconds
        buffers.append(_OUTCOME.pack(outcome.id, status, flags, len(head), seconds, len(body)))
        buffers.append(head)
        buffers.append(body)
        total += _OUTCOME.size + len(head) + len(body)
    buffers[0] = _PREFIX.pack(OUTCOMES, len(outcomes), total)
    return buffers


def decode_outcomes(data: bytes, start: int, length: int, count: int) -> list[Outcome]:
    """The outcomes of an OUTCOMES payload that takes `length` bytes of `data` from `start`."""
    outcomes = []
    offset = start
    end = start + length
    unpack, record = _OUTCOME.unpack_from, _OUTCOME.size
    for _ in range(count):
        try:
            job_id, status, flags, head_length, seconds, body_length = unpack(data, offset)
        except struct.error as error:
            raise FrameError(str(error)) from None
        head_start = offset + record
        body_start = head_start + head_length
        offset = body_start + body_length
        if offset > end:
            raise FrameError("an outcome is longer than its frame")
        head, body = data[head_start:body_start], data[body_start:offset]
        outcomes.append(Outcome(job_id, status, head, body, seconds, flags))
    if offset != end:
        raise FrameError("a frame is longer than its outcomes")
    return outcomes


def running(job_ids: Sequence[int]) -> bytes:
    """A RUNNING frame."""
    return frame(RUNNING, struct.pack(f"<{len(job_ids)}Q", *job_ids), len(job_ids))


def read_running(payload: bytes, count: int) -> tuple[int, ...]:
    """The job ids of a RUNNING payload."""
    try:
        return struct.unpack(f"<{count}Q", payload)
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


# A head is its fields in a row with a zero byte between them, which no field can hold: HTTP allows
# none in a header, and `encode_head` refuses what a caller that is not HTTP may bring.
_FIXED_FIELDS = 6
POST: Final = b"POST\0"  # with which the encoded head of a POST begins


def encode_head(head: RequestHead, request_id: bytes = b"") -> bytes:
    """The head as one block of bytes. Raises ValueError when a field holds a zero byte."""
    before, after = encode_around_client(head)
    if b"\0" in head.client or b"\0" in request_id:
        raise ValueError("a zero byte in the client's address or in the request id")
    return b"%b%b%b%b" % (before, head.client, after, request_id)


def encode_around_client(head: RequestHead) -> tuple[bytes, bytes]:
    """What stands before the client in an encoded head, and what stands after it, to be followed by
    the request id. Raises ValueError when a field holds a zero byte.
    """
    fields = (head.method, head.path, head.query, head.http_version, head.scheme, b"")
    before = b"\0".join(fields)
    after = b"\0".join((b"", *chain.from_iterable(head.headers), b""))
    separators = 2 * len(head.headers) + 1
    if before.count(b"\0") != _FIXED_FIELDS - 1 or after.count(b"\0") != separators:
        raise ValueError("a zero byte in the request line or in a header")
    return before, after


def request_id_of(block: bytes) -> bytes:
    """The request id in an encoded head, found out without decoding it."""
    return block.rpartition(b"\0")[2]


def decode_head(block: bytes) -> RequestHead:
    """The inverse of `encode_head`."""
    fields = block.split(b"\0")
    request_id = fields.pop()
    if len(fields) < _FIXED_FIELDS or len(fields) % 2:
        raise FrameError("a job's head is damaged")
    method, path, query, http_version, scheme, client = fields[:_FIXED_FIELDS]
    headers = list(zip(fields[_FIXED_FIELDS::2], fields[_FIXED_FIELDS + 1 :: 2], strict=True))
    return RequestHead(method, path, query, http_version, scheme, client, headers, request_id)
