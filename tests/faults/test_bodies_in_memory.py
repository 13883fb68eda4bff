"""Large bodies that wait, or come slowly: the front's memory is bounded, and others are served."""

from __future__ import annotations

import json

import pytest

from tests.faults.raw_http import POST, post, read_all, replies_in
from tests.live.conftest import Serve
from tests.scrapes import Page
from tests.servers import Server, wait_until

SCRIPT = """
import gates
def init(): pass
def run(data):
    if data == "first":
        gates.reach("first")
        gates.wait("answer")
    return len(data)
"""
LARGE = b"x" * 1_000_000
LIMITS = {"SCORESERVE_MAX_BODY_BYTES": "1000000", "SCORESERVE_MAX_QUEUE_BYTES": "3500000"}


@pytest.fixture(params=["true", "false"], ids=["fast path", "ASGI path"])
def env(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"SCORESERVE_FAST_PATH": request.param, **LIMITS}


def held_bytes(server: Server) -> float | None:
    return Page.parse(server.get("/metrics").body).value("queue_bytes")


def test_what_does_not_fit_is_answered_503_before_it_is_sent(
    serve: Serve, env: dict[str, str]
) -> None:
    with serve(SCRIPT, env=env) as server:
        running = server.start_score("first")
        server.wait_reached("first")
        waiting = [server.start_score(LARGE) for _ in range(3)]
        wait_until(lambda: held_bytes(server) == 3_000_000, "three bodies wait")
        client = server.raw()
        client.sendall(POST + b"Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
        (refused,) = replies_in(read_all(client))
        assert refused.status == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert "3500000 bytes" in refused.message
        assert server.start_score("small") is not None
        server.open("answer")
        assert running.reply().status == 200
        assert [reply.reply().json() for reply in waiting] == [len(LARGE)] * 3
        assert server.score(LARGE).json() == len(LARGE)
        wait_until(lambda: held_bytes(server) == 0, "all memory is given back")
        shed = Page.parse(server.get("/metrics").body)
        assert shed.value("requests_shed_total", reason="queue_bytes") == 1


def test_clients_that_leave_take_their_bodies_along(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env=env) as server:
        running = server.start_score("first")
        server.wait_reached("first")
        clients = [server.raw() for _ in range(3)]
        for client in clients[:2]:
            client.sendall(post(LARGE))
        clients[2].sendall(post(LARGE)[:-1])
        wait_until(lambda: held_bytes(server) == 3_000_000, "three bodies are there")
        for client in clients:
            client.close()
        wait_until(lambda: held_bytes(server) == 0, "they are gone with their clients")
        server.open("answer")
        assert running.reply().status == 200


def test_slow_bodies_give_way(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env=env) as server:
        slow = [server.raw() for _ in range(3)]
        for client in slow:
            client.sendall(post(LARGE)[:1000])
        wait_until(lambda: held_bytes(server) == 3_000_000, "three bodies have begun")

        def is_served() -> bool:
            return server.score(LARGE).status == 200

        wait_until(is_served, "an honest client is served")
        replies = [reply for client in slow for reply in replies_in(read_all(client))]
        assert {reply.status for reply in replies} == {408}
        assert json.loads(server.score("small").body) == 5
