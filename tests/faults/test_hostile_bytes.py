"""Bytes that no honest client sends: refused, and the server serves on."""

from __future__ import annotations

import contextlib
import random
import select
from collections.abc import Iterator

import pytest

from tests import servers
from tests.faults.raw_http import POST, post, talk
from tests.servers import Server

SCRIPT = """
import json
def init(): pass
def run(data, request_headers):
    if data.startswith("parse"):
        return str(json.loads(data[5:]))
    return [data, request_headers.get("X-Trailer")]
"""
AFTER = b"GET /smuggled HTTP/1.1\r\nHost: test\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"

SHAPES = {
    "length, then chunked": POST
    + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked, then length": CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "the same length twice": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "a list of lengths": POST + b"Content-Length: 1, 1\r\n\r\nx",
    "a length with a sign": POST + b"Content-Length: +1\r\n\r\nx",
    "a negative length": POST + b"Content-Length: -1\r\n\r\nx",
    "a hexadecimal length": POST + b"Content-Length: 0x1\r\n\r\nx",
    "a length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n0123456789",
    "an empty length": POST + b"Content-Length: \r\n\r\nx",
    "an enormous length": POST + b"Content-Length: 99999999999999999999999\r\n\r\nx",
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "identity, then chunked": POST
    + b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\nx",
    "chunked twice": CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked and an upgrade": POST
    + b"Connection: upgrade\r\nUpgrade: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": CHUNKED.replace(b"1.1", b"1.0") + b"\r\n0\r\n\r\n",
    "a folded header": POST + b"X-A: b\r\n c\r\nContent-Length: 1\r\n\r\nx",
    "a folded first header": b"POST /score HTTP/1.1\r\n Host: test\r\nContent-Length: 1\r\n\r\nx",
    "bare line feeds": post(b"x").replace(b"\r\n", b"\n"),
    "one bare line feed": POST + b"X-A: b\nContent-Length: 1\r\n\r\nx",
    "a bare carriage return": POST + b"X-A: b\rContent-Length: 1\r\n\r\nx",
    "a space before the colon": POST + b"Content-Length : 1\r\n\r\nx",
    "a tab before the colon": POST + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n",
    "a header without a name": POST + b": b\r\n\r\n",
    "a NUL in a name": POST + b"X\0A: b\r\n\r\n",
    "a NUL in a value": POST + b"X-A: b\0c\r\n\r\n",
    "a control character": POST + b"X-A: b\x01c\r\n\r\n",
    "a chunk size that is none": CHUNKED + b"\r\nzz\r\nx\r\n0\r\n\r\n",
    "a chunk size with a sign": CHUNKED + b"\r\n+1\r\nx\r\n0\r\n\r\n",
    "a chunk size with 0x": CHUNKED + b"\r\n0x1\r\nx\r\n0\r\n\r\n",
    "a chunk size that overflows": CHUNKED + b"\r\nfffffffffffffffff\r\nx\r\n0\r\n\r\n",
    "a chunk size with a line feed": CHUNKED + b"\r\n1\nx\r\n0\r\n\r\n",
    "a chunk that is longer": CHUNKED + b"\r\n1\r\nxyz\r\n0\r\n\r\n",
    "a length in the trailers": CHUNKED + b"\r\n0\r\nContent-Length: 40\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/0.9 by name": b"GET / HTTP/0.9\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: test\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: test\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an unknown method": b"SCORE /score HTTP/1.1\r\nHost: test\r\n\r\n",
    "a method without an end": b"A" * 10_000,
    "CONNECT": b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n",
    "a NUL in the target": b"GET /\0 HTTP/1.1\r\nHost: test\r\n\r\n",
}


@pytest.fixture(scope="module", params=["true", "false"], ids=["fast path", "ASGI path"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    env = {"SCORESERVE_FAST_PATH": request.param}
    with servers.serve(SCRIPT, tmp_path_factory.mktemp("server"), env=env) as server:
        yield server


@pytest.mark.parametrize("shape", SHAPES)
def test_what_two_servers_may_read_differently_is_refused(server: Server, shape: str) -> None:
    (reply,) = talk(server, SHAPES[shape] + AFTER)
    assert reply.status == 400
    assert reply.headers["connection"] == "close"
    assert reply.message


@pytest.mark.parametrize("shape", ["xchunked", "a chunk size that is none", "bare line feeds"])
def test_good_requests_before_it_are_answered(server: Server, shape: str) -> None:
    first, *rest = talk(server, post(b"first") + SHAPES[shape] + AFTER)
    assert first.json() == ["first", None]
    assert [reply.status for reply in rest] in ([], [400])


def test_a_trailer_is_no_header(server: Server) -> None:
    body = b"\r\n4\r\ndata\r\n0\r\nX-Trailer: set\r\nX-Request-Id: set\r\n\r\n"
    (reply,) = talk(server, CHUNKED + b"Connection: close\r\n" + body)
    assert reply.json() == ["data", None]
    assert reply.headers["x-request-id"] != "set"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /score?" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n",
        POST + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n",
        POST + b"X-A: " + b"a" * 1_000_000,
        POST + b"X-A: a\r\n" * 101 + b"\r\n",
        POST + b"X-A: a\r\n" * 100_000,
    ],
    ids=["target", "value", "a value without an end", "headers", "headers without an end"],
)
def test_a_head_over_the_limits_is_refused(server: Server, head: bytes) -> None:
    (reply,) = talk(server, head)
    assert (reply.status, reply.headers["connection"]) == (431, "close")


@pytest.mark.parametrize(
    "framing", [b"1;" + b"e" * 1_000_000, b"0\r\nX-A: " + b"t" * 1_000_000], ids=["size", "trailer"]
)
def test_chunks_whose_framing_has_no_end_are_refused(server: Server, framing: bytes) -> None:
    (reply,) = talk(server, CHUNKED + b"\r\n" + framing)
    assert (reply.status, reply.headers["connection"]) == (400, "close")


def test_a_body_in_chunks_of_one_byte_is_scored(server: Server) -> None:
    body = b"".join(b"1\r\n%c\r\n" % each for each in b"abc" * 50_000) + b"0\r\n\r\n"
    (reply,) = talk(server, CHUNKED + b"Connection: close\r\n\r\n" + body)
    assert reply.json() == ["abc" * 50_000, None]


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000], ids=str.__len__)
def test_json_nested_100_000_levels_fails_alone(server: Server, text: str) -> None:
    workers = server.workers()
    reply = server.score("parse" + text)
    assert reply.status == 500
    assert reply.message
    assert server.workers() == workers


def test_300_mutated_requests_do_no_harm(server: Server) -> None:
    workers = server.workers()
    dice = random.Random(300)
    for _ in range(300):
        client = server.raw()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces(dice, mutated(dice)):
                client.sendall(piece)
            select.select([client], [], [], 0.02)
        client.close()
    assert server.workers() == workers
    assert server.score("data").json() == ["data", None]


def mutated(dice: random.Random) -> bytes:
    """A few valid requests, one after the other, with some bytes changed."""
    valid = [
        post(b'{"data": [1, 2, 3]}', b"Content-Type: application/json"),
        CHUNKED + b"\r\n4;a=b\r\ndata\r\n0\r\nX-T: t\r\n\r\n",
        post(b"12", b"Expect: 100-continue"),
        post(b"12", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"),
        b"GET /score?a=1&b=%20 HTTP/1.0\r\nHost: test\r\n\r\n",
        b"GET /swagger.json?version=3 HTTP/1.1\r\nHost: test\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n",
    ]
    data = bytearray(b"".join(dice.choices(valid, k=dice.randint(1, 4))))
    for _ in range(dice.randint(1, 8)):
        place = dice.randrange(len(data))
        match dice.randrange(4):
            case 0:
                data[place] = dice.randrange(256)
            case 1:
                del data[place : place + dice.randint(1, 20)]
            case 2:
                data[place:place] = dice.choice([b"\r\n", b"\n", b"\0", b" ", b":", b"\xff" * 9])
            case _:
                data[place:place] = data[place : place + dice.randint(1, 40)]
        if not data:
            return b"\r\n"
    return bytes(data)


def pieces(dice: random.Random, data: bytes) -> Iterator[bytes]:
    """The bytes, cut in up to three."""
    cuts = sorted(dice.randrange(len(data) + 1) for _ in range(dice.randint(0, 2)))
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        yield data[start:end]
