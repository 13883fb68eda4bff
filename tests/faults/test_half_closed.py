"""Clients that end what they send and go on reading, as `nc -N` does: they get their answers."""

from __future__ import annotations

import socket

import pytest

from tests.faults.raw_http import post, read_all, replies_in
from tests.live.conftest import Serve
from tests.servers import Server

SCRIPT = """
import gates

def init(): pass

def letters():
    yield "a"
    gates.wait("stream")
    yield "b"

def run(data):
    if data == "stream":
        return letters()
    if data.startswith("wait"):
        gates.reach(data)
        gates.wait(data)
    return data
"""


@pytest.fixture(params=["true", "false"], ids=["fast path", "ASGI path"])
def env(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"SCORESERVE_FAST_PATH": request.param}


def ask(server: Server, data: bytes) -> socket.socket:
    """A client that has sent these bytes, and sends no more."""
    client = server.raw()
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    return client


def test_a_request_is_answered(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env=env) as server:
        for _ in range(20):
            (reply,) = replies_in(read_all(ask(server, post(b"hello"))))
            assert (reply.status, reply.json()) == (200, "hello")


def test_one_that_a_worker_is_at_is_answered(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env=env) as server:
        client = ask(server, post(b"wait"))
        server.wait_reached("wait")
        assert server.get("/").status == 200
        server.open("wait")
        (reply,) = replies_in(read_all(client))
        assert (reply.status, reply.json()) == (200, "wait")


def test_so_are_those_that_wait_in_line(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env=env) as server:
        client = ask(server, post(b"wait") + post(b"second") + post(b"third"))
        server.wait_reached("wait")
        server.open("wait")
        replies = list(replies_in(read_all(client)))
        assert [reply.json() for reply in replies] == ["wait", "second", "third"]


def test_a_stream_comes_whole(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env=env) as server:
        client = ask(server, post(b"stream"))
        received = b""
        while b"\r\na\r\n" not in received:
            received += client.recv(1 << 16)
        server.open("stream")
        assert read_all(client).endswith(b"\r\nb\r\n0\r\n\r\n")


def test_other_routes_answer_too(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env=env) as server:
        head = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n"
        (reply,) = replies_in(read_all(ask(server, head)))
        assert reply.body == b"Healthy"


def test_half_a_request_is_not_waited_for(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env=env) as server:
        assert read_all(ask(server, post(b"hello")[:-1])) == b""
