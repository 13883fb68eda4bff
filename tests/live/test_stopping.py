"""Stopping: what is in hand is answered, nothing is left behind."""

from __future__ import annotations

import os
import signal

import pytest

from tests.live.conftest import Serve
from tests.servers import wait_until

ECHO = "def init(): pass\ndef run(data): return data\n"

WAITS = """
import gates, subprocess
def init():
    subprocess.Popen(["sleep", "1000"])
def run(data):
    if data == "waits":
        gates.reach("run")
        gates.wait("answer")
    return data
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_an_idle_server_leaves_with_0_and_its_scripts_children(
    serve: Serve, number: signal.Signals
) -> None:
    with serve(WAITS) as server:
        assert len(server.processes("sleep")) == 1
        server.signal(number)
        assert server.wait_exit() == 0


def test_sigterm_answers_what_is_running_and_queued_first(serve: Serve) -> None:
    with serve(WAITS) as server:
        running = server.start_score("waits")
        server.wait_reached("run")
        queued = server.start_score("queued")
        assert server.get("/").status == 200  # by now the front has read what came before
        server.signal(signal.SIGTERM)
        wait_until(server.refuses_connections, "new connections are refused")
        server.open("answer")
        for request, answer in ((running, "waits"), (queued, "queued")):
            reply = request.reply()
            assert (reply.status, reply.json()) == (200, answer)
            assert reply.headers["connection"] == "close"
        assert server.wait_exit() == 0


def test_sigterm_does_not_wait_for_connections_that_ask_for_nothing(serve: Serve) -> None:
    with serve(ECHO) as server:
        idle = server.connect()
        idle.request("GET", "/")
        idle.getresponse().read()
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0


def test_a_request_that_outlasts_the_drain_is_answered_503(serve: Serve) -> None:
    with serve(WAITS, env={"SCORESERVE_DRAIN_SECONDS": "1"}) as server:
        running = server.start_score("waits")
        server.wait_reached("run")
        server.signal(signal.SIGTERM)
        reply = running.reply()
        assert reply.status == 503
        assert "stopping" in reply.message
        assert server.wait_exit() == 0


def test_sigint_answers_503_at_once(serve: Serve) -> None:
    with serve(WAITS) as server:
        running = server.start_score("waits")
        server.wait_reached("run")
        queued = server.start_score("queued")
        assert server.get("/").status == 200  # by now the front has read what came before
        server.signal(signal.SIGINT)
        for request in (running, queued):
            reply = request.reply()
            assert reply.status == 503
            assert "stopping" in reply.message
        assert server.wait_exit() == 0


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_sigkill_of_the_arbiter_leaves_nothing_behind(serve: Serve, busy: bool) -> None:
    with serve(WAITS) as server:
        if busy:
            server.start_score("waits")
            server.wait_reached("run")
        server.signal(signal.SIGKILL)
        assert server.wait_exit() == -signal.SIGKILL


def test_sigkill_of_the_front_ends_even_a_worker_that_keeps_its_gil(serve: Serve) -> None:
    script = """
import gates, itertools, subprocess
def init(): pass
def run(data):
    if data == "hangs":
        subprocess.Popen(["sleep", "1000"])
        gates.reach("run")
        max(itertools.repeat(1))
    return data
"""
    with serve(script) as server:
        workers = server.workers()
        (front,) = set(server.processes("azmlinfsrv")) - {server.process.pid}
        server.start_score("hangs")
        server.wait_reached("run")
        os.kill(front, signal.SIGKILL)
        wait_until(lambda: not set(server.workers()) & set(workers), "the old worker is gone")
        wait_until(lambda: not server.processes("sleep"), "so is what it started")
        server.wait_healthy()
        assert server.score("data").json() == "data"


def test_sigkill_of_the_front_takes_its_workers_along_and_a_new_one_serves(serve: Serve) -> None:
    with serve(WAITS) as server:
        workers = server.workers()
        (front,) = set(server.processes("azmlinfsrv")) - {server.process.pid}
        server.start_score("waits")
        server.wait_reached("run")
        os.kill(front, signal.SIGKILL)
        wait_until(lambda: not set(server.workers()) & set(workers), "the old workers are gone")
        server.wait_healthy()
        assert server.score("data").json() == "data"
