"""Requests that keep a worker busy, and those that need not wait for it."""

from __future__ import annotations

import http.client
import select
from pathlib import Path

from tests.live.conftest import Serve
from tests.servers import read_reply, wait_until

TWO_WORKERS = ["--entry_script", "score.py", "--worker_count", "2"]

HOLDS_THE_GIL = """
import ctypes, gates
def init(): pass
def run(data):
    gates.reach("run")
    ctypes.PyDLL(None).sleep(2)  # unlike CDLL, it keeps the GIL
"""


def has_answer(connection: http.client.HTTPConnection) -> bool:
    """Whether anything has come on this connection; it stays unread."""
    ready, _, _ = select.select([connection.sock], [], [], 0)
    return bool(ready)


def test_probes_are_answered_while_run_holds_the_gil(serve: Serve) -> None:
    with serve(HOLDS_THE_GIL) as server:
        scoring = server.connect()
        scoring.request("POST", "/score", "data")
        server.wait_reached("run")
        probes = server.connect()
        answered = 0
        while not has_answer(scoring):
            probes.request("GET", "/")
            assert read_reply(probes).status == 200
            answered += 1
        assert answered > 50  # in two seconds; behind run() it would be one


def test_two_workers_run_two_requests_at_the_same_time(serve: Serve) -> None:
    """Each run() waits for the other to have begun."""
    script = """
import gates
def init(): pass
def run(data):
    gates.reach(data)
    gates.wait(data)
    return data
"""
    with serve(script, args=TWO_WORKERS) as server:
        pending = [server.start_score(name) for name in ("a", "b")]
        for name in ("a", "b"):
            server.wait_reached(name)
        for name in ("a", "b"):
            server.open(name)
        assert [request.reply().json() for request in pending] == ["a", "b"]


def test_no_request_waits_behind_a_busy_worker_while_another_is_idle(serve: Serve) -> None:
    script = """
import gates
def init(): pass
def run(data):
    if data == "slow":
        gates.reach("run")
        gates.wait("slow")
    return data
"""
    with serve(script, args=TWO_WORKERS) as server:
        slow = server.start_score("slow")
        server.wait_reached("run")
        assert [server.score(str(number)).json() for number in range(20)] == [
            str(number) for number in range(20)
        ]
        server.open("slow")
        assert slow.reply().json() == "slow"


def test_a_request_whose_client_left_the_queue_is_never_run(serve: Serve) -> None:
    script = """
import gates
ran = []
def init(): pass
def run(data):
    ran.append(data)
    if data == "first":
        gates.reach("run")
        gates.wait("first")
    return ran
"""
    with serve(script) as server:
        first = server.start_score("first")
        server.wait_reached("run")
        client = server.raw()
        client.sendall(b"POST /score HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\ngone")
        assert server.get("/").status == 200  # by now the front has read what came before
        client.close()
        # The front looks for clients that left ten times a second: not an event seen from here.
        probes = server.connect()
        waited = iter(range(10_000))

        def looked() -> bool:
            probes.request("GET", "/")
            return read_reply(probes).status == 200 and next(waited) >= 100

        wait_until(looked, "the front has looked for clients that left")
        server.open("first")
        assert first.reply().status == 200
        assert server.score("last").json() == ["first", "last"]


def test_a_kill_for_want_of_memory_would_rather_hit_a_worker(serve: Serve) -> None:
    """The front's death would cost everybody's requests."""

    def score(pid: int) -> int:
        return int(Path(f"/proc/{pid}/oom_score_adj").read_text())

    with serve("def init(): pass\ndef run(data): return data\n") as server:
        (worker,) = server.workers()
        assert score(worker) > score(server.process.pid)


def test_run_is_interrupted_at_its_timeout(serve: Serve) -> None:
    script = """
def init(): pass
def run(data):
    while data == "loop":
        pass
    return data
"""
    with serve(script, env={"SCORING_TIMEOUT_MS": "200"}) as server:
        reply = server.score("loop")
        assert (reply.status, reply.message) == (500, "Scoring timeout after 200 ms")
        assert server.score("data").json() == "data"
