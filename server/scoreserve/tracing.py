"""Traces: what a request belongs to, and what the parts of its way are called. Pure.

    traceparent   00-<trace id>-<parent's span id>-<flags>     https://www.w3.org/TR/trace-context/
    trace id      the client's, else one made of the request's id: whoever has the one has the other
    span ids      made of the request's id and the number of its job, so that front, worker and
                  telemetry process give the same without a word between them

Front, worker and telemetry process import this.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, NamedTuple

from scoreserve import heads

TRACEPARENT, TRACESTATE = b"traceparent", b"tracestate"  # names of headers

_SAMPLED = 0x01  # of the flags: the parent may have recorded it
_FIELDS = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?"
)
_UUID_CHARACTERS: Final = 36
_ID_BYTES: Final = 16
_NO_ID: Final = bytes(_ID_BYTES)
# Of a trace id, the last bytes are random, as W3C's level 2 has it. In the one before them a UUID
# has its variant, which is not.
_RANDOM_BYTES: Final = 7
_RANDOM_VALUES: Final = 1 << 8 * _RANDOM_BYTES


class Trace(NamedTuple):
    """What a request belongs to. Ids are lower-case hex digits, 32 and 16 of them; `parent` is
    empty where the client has none. `sampled`: what the parent says; None without one.
    """

    id: str
    parent: str
    sampled: bool | None


def trace_of(traceparent: bytes, request_id: bytes) -> Trace:
    """The trace of a request with these headers. A traceparent that is none is as if absent."""
    found = _FIELDS.fullmatch(traceparent) if traceparent else None
    # Version 00 has nothing after its flags; later ones may.
    if found is not None and not (found[1] == b"00" and found[5]):
        sampled = bool(int(found[4], 16) & _SAMPLED)
        return Trace(found[2].decode(), found[3].decode(), sampled)
    return Trace(_id_from(request_id).hex(), "", None)


def _id_from(request_id: bytes) -> bytes:
    """That of a UUID is the UUID itself."""
    if len(request_id) == _UUID_CHARACTERS:
        try:
            found = unhexlify(request_id.replace(b"-", b""))
        except ValueError:
            found = b""
        if len(found) == _ID_BYTES and found != _NO_ID:
            return found
    return blake2b(request_id, digest_size=_ID_BYTES).digest()


class Sampler:
    """Decides which traces are recorded: so many of those that begin here, from 0 for none to 1 for
    all. Where it is `parent_based`, a client's own decision holds for what it sends.

    It goes by the trace's id alone, so that whoever asks again is told the same.
    """

    def __init__(self, ratio: float, *, parent_based: bool) -> None:
        self._below = round(ratio * _RANDOM_VALUES)
        self._all_or_none = self._below in {0, _RANDOM_VALUES}
        self._parent_based = parent_based

    def samples(self, traceparent: bytes, request_id: bytes) -> bool:
        """Whether the trace of a request with these headers is recorded."""
        below = self._below
        if not traceparent:
            if self._all_or_none:
                return below > 0
            found = _id_from(request_id)
        else:
            trace = trace_of(traceparent, request_id)
            if trace.sampled is not None and self._parent_based:
                return trace.sampled
            found = unhexlify(trace.id)
        return int.from_bytes(found[-_RANDOM_BYTES:], "big") < below


class ScoredRequest(NamedTuple):
    """A request that is being scored, as far as its trace goes."""

    request_id: bytes
    job_id: int
    traceparent: bytes
    tracestate: bytes


def scored_request(block: bytes, job_id: int) -> ScoredRequest:
    """That of an encoded head (see `wire`) and the number of its job. Raises FrameError."""
    head = heads.decode_head(block)
    return ScoredRequest(
        head.request_id,
        job_id,
        head.header(TRACEPARENT) or b"",
        head.header(TRACESTATE) or b"",
    )


def run_ids(requests: Sequence[ScoredRequest]) -> tuple[str, str]:
    """The ids of trace and span of the run() that is called for these. One for several is in no
    trace of theirs: it has one of its own, named after the first that came.
    """
    if len(requests) == 1:
        request_id, job_id, traceparent, _ = requests[0]
        return trace_of(traceparent, request_id).id, run_span_id(request_id, job_id)
    request_id, job_id, _, _ = min(requests, key=_job_of)
    return batch_trace_id(request_id, job_id), batch_span_id(request_id, job_id)


def _job_of(request: ScoredRequest) -> int:
    return request.job_id


def batch_trace_id(request_id: bytes, job_id: int) -> str:
    """The trace of a run() that was called for several requests, of which the first that came has
    these ids.
    """
    text = b"%b %d" % (request_id, job_id)
    return blake2b(text, digest_size=16, person=b"batch").hexdigest()


def batch_span_id(request_id: bytes, job_id: int) -> str:
    """The id of the span of such a run()."""
    return _span_id(request_id, job_id, b"batch")


def server_span_id(request_id: bytes, job_id: int) -> str:
    """The id of the span of a whole request."""
    return _span_id(request_id, job_id, b"server")


def queue_span_id(request_id: bytes, job_id: int) -> str:
    """The id of the span of its wait for a worker."""
    return _span_id(request_id, job_id, b"queue")


def run_span_id(request_id: bytes, job_id: int) -> str:
    """The id of the span of its run(), which is the parent of what the script records."""
    return _span_id(request_id, job_id, b"run")


def _span_id(request_id: bytes, job_id: int, part: bytes) -> str:
    return blake2b(b"%b %d" % (request_id, job_id), digest_size=8, person=part).hexdigest()
