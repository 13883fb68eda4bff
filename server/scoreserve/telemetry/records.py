"""What the front tells the telemetry process, over a pipe, and what it is told.

    front → telemetry   SETUP      the settings, once, first
                        REQUESTS   answers that were given in one turn of the event loop
                        REPORT     what a worker has to tell of its script, see `scoreserve.reports`
                        METRICS    when counting began, and the page of metrics as OpenMetrics
    telemetry → front   DROPPED    what was lost there, by reason, since the last time
                        PAUSE      there is no room for requests: the front is to send none
                        RESUME     there is again

A frame is its kind (u8), its length (u32, little-endian) and the payload. Payloads that are tuples
are written by marshal: the fastest there is, and both ends are of one Python. REQUESTS begin with
their number (u32), so that they can be dropped, and counted, without being read.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

SETUP: Final = 1
REQUESTS: Final = 2
REPORT: Final = 3
METRICS: Final = 4
DROPPED: Final = 5
PAUSE: Final = 6
RESUME: Final = 7

_PREFIX: Final = struct.Struct("<BI")
_COUNT: Final = struct.Struct("<I")
_SINCE: Final = struct.Struct("<d")
NO_JOB: Final = -1

Batch = tuple[bytes, int, int, int]
NO_BATCH: Final[Batch] = (b"", NO_JOB, 0, 0)


class HeadFields(NamedTuple):
    """What is told of a request's head, as it came: bytes, empty where there is none. `route` is
    the path of ours that it asks for, as it is in the server's metrics.
    """

    method: bytes
    path: bytes
    query: bytes
    http_version: bytes
    scheme: bytes
    host: bytes  # what the client calls the server, the port included
    user_agent: bytes
    traceparent: bytes
    tracestate: bytes
    route: bytes


class RequestRecord(NamedTuple):
    """One request and its answer.

    `seconds` is the whole time here, `job_seconds` that from queue to outcome, `run_seconds` that
    in run(): both 0 where no worker had it. `answer` is the beginning of the body, where it is
    asked for; `answer_bytes` is how long the whole is. `traced`: its trace is recorded. `batch`
    says with whom its run() was shared: id and job of the first that came, after which the batch is
    named (see `tracing.run_ids`), how many requests there were, and how many rows, 0 where that is
    unknown.
    """

    head: HeadFields
    client: bytes  # its address
    request_id: bytes
    client_request_id: bytes
    job_id: int  # NO_JOB: never was one
    status: int
    ended: float  # seconds since the epoch
    seconds: float
    job_seconds: float
    run_seconds: float
    api: bool  # a path of the reference's API: /score or /swagger.json
    answer: bytes
    answer_bytes: int
    traced: bool
    batch: Batch


# As it is sent: a RequestRecord, without the classes.
RequestTuple = tuple[
    tuple[bytes, ...],
    bytes,
    bytes,
    bytes,
    int,
    int,
    float,
    float,
    float,
    float,
    bool,
    bytes,
    int,
    bool,
    Batch,
]


def frame(kind: int, payload: bytes) -> bytes:
    """One frame."""
    return _PREFIX.pack(kind, len(payload)) + payload


def requests_frame(requests: Sequence[RequestTuple]) -> bytes:
    """A REQUESTS frame."""
    return frame(REQUESTS, _COUNT.pack(len(requests)) + marshal.dumps(list(requests)))


def count_requests(payload: bytes) -> int:
    """How many requests there are in a REQUESTS payload."""
    (count,) = _COUNT.unpack_from(payload)
    return int(count)


def read_requests(payload: bytes) -> Iterator[RequestRecord]:
    """The requests of a REQUESTS payload."""
    requests = marshal.loads(payload[_COUNT.size :])  # noqa: S302 - the front's, of this Python
    for head, *fields in requests:
        yield RequestRecord(HeadFields(*head), *fields)


def metrics_frame(since: float, page: bytes) -> bytes:
    """A METRICS frame: the page, and when counting began, in seconds since the epoch."""
    return frame(METRICS, _SINCE.pack(since) + page)


def read_metrics(payload: bytes) -> tuple[float, bytes]:
    """(when counting began, page) of a METRICS payload."""
    (since,) = _SINCE.unpack_from(payload)
    return float(since), payload[_SINCE.size :]


def dropped_frame(dropped: Mapping[str, int]) -> bytes:
    """A DROPPED frame."""
    return frame(DROPPED, marshal.dumps(dict(dropped)))


def read_dropped(payload: bytes) -> dict[str, int]:
    """The counts of a DROPPED payload."""
    return dict(marshal.loads(payload))  # noqa: S302 - as above


class Source(Protocol):
    """Where frames are read: a buffered file."""

    def read(self, size: int, /) -> bytes: ...


def read_frame(source: Source) -> tuple[int, bytes] | None:
    """(kind, payload) of the next frame; None at the end, or where it breaks off."""
    prefix = source.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        return None
    kind, length = _PREFIX.unpack(prefix)
    payload = source.read(length)
    return (kind, payload) if len(payload) == length else None


class FrameSplitter:
    """Splits what comes from a pipe in pieces into frames."""

    def __init__(self) -> None:
        self._data = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """(kind, payload) of each frame that is complete with `data`."""
        self._data += data
        while len(self._data) >= _PREFIX.size:
            kind, length = _PREFIX.unpack_from(self._data)
            end = _PREFIX.size + length
            if len(self._data) < end:
                return
            payload, self._data = self._data[_PREFIX.size : end], self._data[end:]
            yield kind, payload
