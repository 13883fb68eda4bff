"""Bodies that were compressed for their way."""

from __future__ import annotations

import bz2
import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve import heads
from scoreserve.errors import BadInput, BodyTooLarge, UnsupportedInput
from scoreserve.heads import RequestHead
from scoreserve.wire import WireJob
from scoreserve.worker.protocols.bodies.inflate import inflating
from tests.worker.protocols.requests import INFER, Headers, Served, head_of, json_input

TEXT = b'{"data": [1, 2]}'


def inflated(body: bytes, headers: Headers, limit: int = 1000) -> tuple[RequestHead, bytes]:
    head = heads.encode_head(head_of("/score", headers), b"id-1")
    job = inflating(limit)(WireJob(1, head, memoryview(body)))
    return heads.decode_head(job.head), bytes(job.body)


def gzipped(data: bytes) -> bytes:
    """The same at any time: pytest names tests by their bytes, and processes compare the names."""
    return gzip.compress(data, mtime=0)


def bare_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzipped(TEXT)),
        ("GZIP", gzipped(TEXT)),
        ("x-gzip", gzipped(TEXT)),
        ("gzip", gzipped(TEXT[:5]) + gzipped(TEXT[5:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", bare_deflate(TEXT)),
        ("identity", TEXT),
        ("", TEXT),
    ],
)
def test_a_body_is_as_it_was(coding: str, body: bytes) -> None:
    assert inflated(body, [("content-encoding", coding)])[1] == TEXT


def test_the_head_is_that_of_the_body() -> None:
    body = gzipped(TEXT)
    headers = [("content-encoding", "gzip"), ("content-length", str(len(body))), ("x-a", "b")]
    head, _ = inflated(body, headers)
    assert head.headers == [(b"content-length", b"%d" % len(TEXT)), (b"x-a", b"b")]
    assert head.request_id == b"id-1"


def test_the_limit_is_that_of_what_it_becomes() -> None:
    body = gzipped(bytes(10_000_000))
    with pytest.raises(BodyTooLarge):
        inflated(body, [("content-encoding", "gzip")])
    twice = gzipped(bytes(600)) * 2
    with pytest.raises(BodyTooLarge):
        inflated(twice, [("content-encoding", "gzip")])
    assert len(inflated(twice, [("content-encoding", "gzip")], 1200)[1]) == 1200


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "bzip2"])
def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(UnsupportedInput, match=coding):
        inflated(bz2.compress(TEXT), [("content-encoding", coding)])


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("body", [b"", b"\x1f\x8b", TEXT, gzipped(TEXT)[:-1]])
def test_what_is_not_compressed_is_refused(coding: str, body: bytes) -> None:
    with pytest.raises(BadInput):
        inflated(body, [("content-encoding", coding)])


@given(cut=st.integers(0, 60), byte=st.integers(0, 255))
def test_a_damaged_body_is_read_or_refused(cut: int, byte: int) -> None:
    body = bytearray(gzipped(TEXT))
    body[cut % len(body)] = byte
    try:
        inflated(bytes(body), [("content-encoding", "gzip")])
    except (BadInput, BodyTooLarge):
        return


def test_each_protocol_gets_what_it_was(arrays: Served, texts: Served) -> None:
    def run(raw_data: str) -> str:
        return raw_data

    served = Served(run, gzip_bodies=True)
    headers = [("content-encoding", "gzip")]
    assert json.loads(served.ask("/score", gzipped(TEXT), headers).body) == TEXT.decode()
    members = {"inputs": [json_input("x", [1], "INT8")]}
    outcome = served.ask(INFER, gzipped(json.dumps(members).encode()), headers)
    assert json.loads(outcome.body)["outputs"][0]["data"] == ['{"data":[1]}']
    status, answer = served.refusal(INFER, b"{}", headers)
    assert (status, list(answer)) == (400, ["error"])
