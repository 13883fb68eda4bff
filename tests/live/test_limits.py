"""Bodies over the limit: refused with 413, whether or not their length is told."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests import servers
from tests.servers import Server

LIMIT_BYTES = 1000

SCRIPT = "def init(): pass\ndef run(data): return len(data)\n"


@pytest.fixture(scope="module", params=["true", "false"], ids=["fast path", "ASGI path"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    env = {
        "SCORESERVE_MAX_BODY_BYTES": str(LIMIT_BYTES),
        "SCORESERVE_FAST_PATH": request.param,
    }
    with servers.serve(SCRIPT, tmp_path_factory.mktemp("server"), env=env) as server:
        yield server


def in_chunks(size: int) -> Iterator[bytes]:
    """A body of that size, for a request that does not tell it."""
    return (b"x" for _ in range(size))


def test_a_body_of_just_the_limit_is_scored(server: Server) -> None:
    assert server.score(b"x" * LIMIT_BYTES).json() == LIMIT_BYTES
    assert server.send("POST", "/score", in_chunks(LIMIT_BYTES)).reply().json() == LIMIT_BYTES


def test_a_declared_length_over_it_is_refused_before_any_of_it_comes(server: Server) -> None:
    client = server.raw()
    client.sendall(b"POST /score HTTP/1.1\r\nhost: test\r\ncontent-length: 1001\r\n\r\n")
    received = b""
    while piece := client.recv(1 << 16):
        received += piece
    assert received.startswith(b"HTTP/1.1 413 ")
    assert received.endswith(b'{"message": "The request body is larger than 1000 bytes."}')


def test_a_chunked_body_over_it_is_refused(server: Server) -> None:
    reply = server.send("POST", "/score", in_chunks(LIMIT_BYTES + 1)).reply()
    assert reply.status == 413
    assert reply.headers["connection"] == "close"
    assert "1000" in reply.message


@pytest.mark.parametrize("size", [LIMIT_BYTES + 1, 100_000, 5_000_000])
def test_a_client_that_sends_it_all_before_it_reads_gets_its_413(server: Server, size: int) -> None:
    """As nearly all clients do. A connection closed under them would be reset, answer and all."""
    for _ in range(5):
        client = server.raw()
        client.sendall(b"POST /score HTTP/1.1\r\nhost: test\r\ncontent-length: %d\r\n\r\n" % size)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(b"x" * size)
        assert client.recv(12) == b"HTTP/1.1 413"


def test_the_server_serves_on(server: Server) -> None:
    assert server.score("data").json() == len("data")
