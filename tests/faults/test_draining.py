"""SIGTERM: whoever has asked is answered, in time, and the exit code is 0."""

from __future__ import annotations

import http.client
import signal
import threading

import pytest

from tests.faults.raw_http import POST, post, read_all, replies_in
from tests.live.conftest import Serve
from tests.servers import Server, read_reply, wait_until

SLOW = """
import time
def init(): pass
def run(data):
    time.sleep(0.005)
    return data
"""

WAITS = """
import gates
def init(): pass
def run(data):
    if data == "first":
        gates.reach("first")
        gates.wait("answer")
    return data
"""


@pytest.fixture(params=["true", "false"], ids=["fast path", "ASGI path"])
def path_to_score(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"SCORESERVE_FAST_PATH": str(request.param)}


class Caller(threading.Thread):
    """Sends one request after the other until it is told that a response is the last."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.connection = server.connect()
        self.answered = 0
        self.told = False
        self.problem: Exception | None = None

    def run(self) -> None:
        try:
            while not self.told:
                self.connection.request("POST", "/score", "data")
                reply = read_reply(self.connection)
                assert reply.status == 200
                self.answered += 1
                self.told = reply.headers.get("connection") == "close"
        except (AssertionError, OSError, http.client.HTTPException) as problem:
            self.problem = problem


def test_under_load_every_request_is_answered(serve: Serve, path_to_score: dict[str, str]) -> None:
    with serve(
        SLOW, args=("--entry_script", "score.py", "--worker_count", "2"), env=path_to_score
    ) as server:
        callers = [Caller(server) for _ in range(30)]
        for caller in callers:
            caller.start()
        wait_until(lambda: all(caller.answered for caller in callers), "all are served")
        server.signal(signal.SIGTERM)
        for caller in callers:
            caller.join(30)
        assert [caller.problem for caller in callers] == [None] * len(callers)
        assert all(caller.told for caller in callers)
        assert server.wait_exit() == 0


def test_before_it_stops_to_accept_it_is_not_ready(serve: Serve) -> None:
    with serve(WAITS, env={"SCORESERVE_DRAIN_DELAY_SECONDS": "2"}) as server:
        kept = server.connect()
        kept.request("GET", "/")
        assert read_reply(kept).status == 200
        server.signal(signal.SIGTERM)
        wait_until(lambda: server.get("/").status == 503, "it is not ready")
        assert server.score("new").json() == "new"
        kept.request("POST", "/score", "last")
        reply = read_reply(kept)
        assert (reply.json(), reply.headers["connection"]) == ("last", "close")
        assert server.wait_exit() == 0


def test_what_is_on_its_way_is_waited_for(serve: Serve, path_to_score: dict[str, str]) -> None:
    """In line, in the queue, or half sent."""
    with serve(WAITS, env=path_to_score) as server:
        running, sending = server.raw(), server.raw()
        running.sendall(post(b"first") + post(b"in line"))
        server.wait_reached("first")
        queued = server.start_score("queued")
        sending.sendall(POST + b"Content-Length: 4\r\n\r\nha")
        assert server.get("/").status == 200  # by now the front has read what came before
        server.signal(signal.SIGTERM)
        wait_until(server.refuses_connections, "it has begun to drain")
        sending.sendall(b"lf")
        server.open("answer")
        assert [reply.json() for reply in replies_in(read_all(running))] == ["first", "in line"]
        assert [reply.json() for reply in replies_in(read_all(sending))] == ["half"]
        assert queued.reply().json() == "queued"
        assert server.wait_exit() == 0


def test_clients_that_never_finish_are_not_waited_for(serve: Serve) -> None:
    with serve(WAITS) as server:
        silent, sending = server.raw(), server.raw()
        sending.sendall(POST)
        assert server.get("/").status == 200
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
        assert read_all(silent) == b""
        (reply,) = replies_in(read_all(sending))
        assert reply.status == 503


def test_past_the_limit_all_are_answered_503(serve: Serve, path_to_score: dict[str, str]) -> None:
    with serve(WAITS, env={"SCORESERVE_DRAIN_SECONDS": "1", **path_to_score}) as server:
        requests = [server.start_score("first")]
        server.wait_reached("first")
        requests += [server.start_score("queued") for _ in range(20)]
        server.signal(signal.SIGTERM)
        for request in requests:
            reply = request.reply()
            assert (reply.status, reply.headers["connection"]) == (503, "close")
            assert "stopping" in reply.message
        assert server.wait_exit() == 0


def test_a_script_that_cannot_start_after_all_changes_nothing(launch: Serve) -> None:
    script = """
import gates
def init():
    gates.reach("init")
    gates.wait("failure")
    raise ValueError
def run(data): return data
"""
    with launch(script) as server:
        server.wait_reached("init")
        wait_until(lambda: answers(server), "the port answers")
        sending = server.raw()  # holds up the end
        sending.sendall(POST + b"Content-Length: 4\r\n\r\nha")
        assert server.get("/").status == 502
        server.signal(signal.SIGTERM)
        wait_until(server.refuses_connections, "it has begun to drain")
        server.open("failure")
        assert server.wait_exit() == 0
        assert "HaltServer" not in server.output


def answers(server: Server) -> bool:
    try:
        return server.get("/health/live").status == 200
    except ConnectionRefusedError:
        return False
