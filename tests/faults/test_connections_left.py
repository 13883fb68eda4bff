"""What is left of a connection that was refused, or that waits: no harm, and no memory."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import pytest

from tests.faults.raw_http import POST, post, read_all, talk
from tests.live.conftest import Serve
from tests.servers import Server, command_line

ECHO = "def init(): pass\ndef run(data): return data\n"
LIMIT = {"SCORESERVE_MAX_BODY_BYTES": "100000"}


@pytest.fixture(params=["true", "false"], ids=["fast path", "ASGI path"])
def path_to_score(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"SCORESERVE_FAST_PATH": str(request.param)}


def test_chunks_that_go_on_after_413_do_no_harm(
    serve: Serve, path_to_score: dict[str, str]
) -> None:
    """`serve` looks for "Fatal error on transport" in the log."""
    with serve(ECHO, env={**LIMIT, **path_to_score}) as server:
        chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
        for _ in range(5):
            (reply,) = talk(server, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 200)
            assert reply.status == 413


@pytest.mark.parametrize("path", [b"/score", b"/swagger.json"])
def test_an_expected_100_is_not_sent_after_400(
    serve: Serve, path_to_score: dict[str, str], path: bytes
) -> None:
    """`serve` looks for "Exception in ASGI application" in the log."""
    with serve(ECHO, env=path_to_score) as server:
        bad = (
            b"POST %b HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nno chunk\r\n" % path
        )
        client = server.raw()
        client.sendall(bad)
        assert b"HTTP/1.1 400 " in read_all(client)


def resident_mebibytes(server: Server) -> int:
    (front,) = [
        pid
        for pid in server.processes()
        if pid != server.process.pid and "scoreserve.worker" not in command_line(pid)
    ]
    return int(Path(f"/proc/{front}/statm").read_text().split()[1]) * 4096 >> 20


def test_idle_connections_do_not_keep_bodies(serve: Serve, path_to_score: dict[str, str]) -> None:
    with serve(ECHO, env=path_to_score) as server:
        before = resident_mebibytes(server)
        with contextlib.ExitStack() as held:
            grown = []
            for _ in range(200):
                client = held.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                client.sendall(post(b"x" * 250_000, b"X-A: b"))
                received = b""
                while len(received) < 250_000:
                    received += client.recv(1 << 20)
                grown.append(resident_mebibytes(server) - before)
            # Garbage comes and goes; bodies that were kept would be there each time.
            assert min(grown[-50:]) < 20
