"""Bodies that were compressed for their way: gzip and deflate, as RFC 9110 has them.

What a body becomes may be no longer than one that comes as it is, or a small one could fill the
memory: the limit is kept while it is inflated.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

from scoreserve import heads
from scoreserve.errors import BadInput, BodyTooLarge, UnsupportedInput
from scoreserve.heads import RequestHead
from scoreserve.wire import WireJob

_HEADER: Final = b"content-encoding"
_IN_HEAD: Final = b"\0content-encoding\0"
# By the window bits of zlib, which say too what is around the compressed bytes.
_CODINGS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}
_BARE: Final = -15  # deflate as some clients send it
_LONGEST_SHOWN: Final = 100  # characters of a header that clients fill


def inflating(limit_bytes: int) -> Callable[[WireJob], WireJob]:
    """What gives a job with its body as it was, and with a head that says so. It raises BadInput,
    UnsupportedInput, or BodyTooLarge.
    """

    def inflate(job: WireJob) -> WireJob:
        if _IN_HEAD not in job.head:
            return job
        head = heads.decode_head(job.head)
        codings = _codings(head)
        if not codings:
            return job
        if len(codings) > 1 or codings[0].lower() not in _CODINGS:
            raise _unsupported(codings, "send it as gzip, or as it is")
        body = _inflated(bytes(job.body), _CODINGS[codings[0].lower()], limit_bytes)
        head.headers = [
            (name, b"%d" % len(body) if name == b"content-length" else value)
            for name, value in head.headers
            if name not in {_HEADER, b"transfer-encoding"}
        ]
        return WireJob(job.id, heads.encode_head(head, head.request_id), body)

    return inflate


def refuse_compressed(head: RequestHead) -> None:
    """Raises UnsupportedInput for a body that is compressed still."""
    codings = _codings(head)
    if codings:
        raise _unsupported(codings, "send the body as it is. SCORESERVE_GZIP_BODIES accepts gzip")


def _codings(head: RequestHead) -> list[str]:
    """Those that were applied."""
    written = b",".join([value for name, value in head.headers if name == _HEADER])
    codings = [coding.strip() for coding in written.decode("latin-1").split(",")]
    return [coding for coding in codings if coding.lower() not in {"", "identity"}]


def _unsupported(codings: list[str], remedy: str) -> UnsupportedInput:
    shown = ", ".join(codings)[:_LONGEST_SHOWN]
    return UnsupportedInput(f"Content-Encoding {shown} is not accepted: {remedy}.")


def _inflated(body: bytes, window_bits: int, limit: int) -> bytes:
    try:
        return _members(body, window_bits, limit)
    except zlib.error as error:
        if window_bits == _CODINGS["deflate"]:
            try:
                return _members(body, _BARE, limit)
            except zlib.error:
                pass
        raise BadInput(f"The body cannot be inflated: {error}") from None


def _members(body: bytes, window_bits: int, limit: int) -> bytes:
    """What is in a body, which may be several compressed ones in a row."""
    parts: list[bytes] = []
    room = limit
    while body or not parts:
        member = zlib.decompressobj(window_bits)
        parts.append(member.decompress(body, room + 1))
        room -= len(parts[-1])
        if room < 0:
            raise BodyTooLarge(limit)
        if not member.eof:
            raise zlib.error("it breaks off")
        body = member.unused_data
    return b"".join(parts)
