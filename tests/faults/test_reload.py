"""Loading a changed script while requests come: SIGHUP, and --reload for development."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.live.conftest import Serve
from tests.servers import Server, read_reply, wait_until

TWO_WORKERS = ["--entry_script", "score.py", "--worker_count", "2"]
DEVELOPMENT = {"program": "scoreserve", "args": ["serve", "--entry-script", "score.py", "--reload"]}
BROKEN = "import no_such_module\n"
CLIENTS = 4


def version(number: int) -> str:
    return f"def init(): pass\ndef run(data): return {number}\n"


def write(server: Server, script: str, name: str = "score.py") -> None:
    """Puts a script in place in one step, so that no worker reads half of it."""
    new = server.directory / f"{name}.new"
    new.write_text(script, encoding="utf-8")
    new.replace(server.directory / name)


class Traffic:
    """Clients that score one request after the other; `answers` are what they got, in order."""

    def __init__(self, server: Server) -> None:
        self.answers: list[Any] = []
        self._server = server
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def _ask(self) -> None:
        connection = self._server.connect()
        while not self._stop.is_set():
            try:
                connection.request("POST", "/score", "data")
                reply = read_reply(connection)
            except OSError as error:
                self.answers.append(error)
                return
            self.answers.append(reply.json() if reply.status == 200 else reply)

    def wait_for(self, answer: object) -> None:
        """Waits until every request of a whole round is answered so."""
        begin = len(self.answers)

        def only() -> bool:
            newest = self.answers[-5 * CLIENTS :]
            return len(self.answers) > begin + len(newest) and set(map(str, newest)) == {
                str(answer)
            }

        wait_until(only, f"all requests are answered {answer}")

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def traffic(server: Server) -> Iterator[Traffic]:
    clients = Traffic(server)
    clients.start()
    try:
        yield clients
    finally:
        clients.stop()


class TestSighup:
    def test_under_load_every_request_is_answered(self, serve: Serve) -> None:
        with serve(version(1), args=TWO_WORKERS) as server, traffic(server) as clients:
            clients.wait_for(1)
            old = server.workers()
            write(server, version(2))
            server.signal(signal.SIGHUP)
            clients.wait_for(2)
            wait_until(lambda: not set(server.workers()) & set(old), "the old workers have left")
            write(server, BROKEN)
            server.signal(signal.SIGHUP)
            wait_until(lambda: "Reload failed" in server.output, "the failed reload is reported")
            assert "No module named 'no_such_module'" in server.output
            clients.wait_for(2)
            write(server, version(3))
            server.signal(signal.SIGHUP)
            clients.wait_for(3)
            assert len(server.workers()) <= 3
        assert set(clients.answers) == {1, 2, 3}

    def test_a_running_request_ends_where_it_began_and_none_waits_for_it(
        self, serve: Serve
    ) -> None:
        script = """
import gates
def init(): pass
def run(data):
    gates.reach("run")
    gates.wait("answer")
    return "old"
"""
        with serve(script) as server:
            running = server.start_score()
            server.wait_reached("run")
            write(server, version(2))
            server.signal(signal.SIGHUP)
            wait_until(lambda: len(server.workers()) == 2, "a second worker")
            assert server.score().json() == 2
            server.open("answer")
            assert running.reply().json() == "old"
            wait_until(lambda: len(server.workers()) == 1, "the old worker has left")
            assert server.score().json() == 2

    def test_during_a_reload_is_not_lost(self, serve: Serve) -> None:
        slow = """
import gates
def init():
    gates.reach("init")
    gates.wait("init")
def run(data): return 2
"""
        with serve(version(1)) as server:
            write(server, slow)
            server.signal(signal.SIGHUP)
            server.wait_reached("init")
            write(server, version(3))
            server.signal(signal.SIGHUP)
            wait_until(lambda: "Reloading again" in server.output, "the signal is remembered")
            assert server.score().json() == 1
            server.open("init")
            wait_until(lambda: server.score().json() == 3, "the newest script answers")

    def test_a_worker_that_dies_meanwhile_costs_its_own_request_only(self, serve: Serve) -> None:
        script = """
import gates, os
def init(): pass
def run(data):
    if data == "dies":
        os._exit(7)
    return 1
"""
        slow = """
import gates
def init():
    gates.reach("init")
    gates.wait("init")
def run(data): return 2
"""
        with serve(script) as server:
            write(server, slow)
            server.signal(signal.SIGHUP)
            server.wait_reached("init")
            assert server.score("dies").status == 502
            waiting = server.start_score("waits")
            server.open("init")
            assert waiting.reply().json() == 2


def test_signals_that_gunicorn_would_act_on_have_no_effect(serve: Serve) -> None:
    with serve(version(1)) as server:
        before = set(server.processes())
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTTIN, signal.SIGTTOU):
            server.signal(number)
        told = "This signal has no effect."
        wait_until(lambda: server.output.count(told) == 4, "the signals are told about")
        assert server.score().json() == 1
        assert set(server.processes()) == before


class TestDevelopment:
    """`scoreserve serve --reload`."""

    def test_an_edit_is_served_and_no_request_fails(self, serve: Serve) -> None:
        files = {"beside.py": "NUMBER = 1\n"}
        script = "import beside\ndef init(): pass\ndef run(data): return beside.NUMBER\n"
        with serve(script, files=files, **DEVELOPMENT) as server, traffic(server) as clients:
            clients.wait_for(1)
            write(server, "NUMBER = 2\n", "beside.py")  # as many bytes, within the same second
            clients.wait_for(2)
            assert str(server.directory / "beside.py") in server.output
            write(server, BROKEN)
            wait_until(lambda: "Reload failed" in server.output, "the failed reload is reported")
            clients.wait_for(2)
            write(server, version(3))
            clients.wait_for(3)
        assert set(clients.answers) == {1, 2, 3}

    def test_a_script_that_cannot_start_is_waited_for(self, launch: Serve) -> None:
        with launch(BROKEN, **DEVELOPMENT) as server:
            said = "waits for it to change"
            wait_until(lambda: said in server.output, "the server waits")
            for reply in (server.get("/"), server.score()):
                assert reply.status == 502
                assert said in reply.message
            write(server, version(1))
            server.wait_healthy()
            assert server.score().json() == 1
            os.kill(server.workers()[0], signal.SIGKILL)
            wait_until(lambda: server.is_healthy() and server.workers(), "it is replaced")
            server.signal(signal.SIGTERM)
            assert server.wait_exit() == 0


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_server_that_reloads_leaves_nothing_behind(launch: Serve, kill: bool) -> None:
    slow = """
import gates
def init():
    gates.reach("init")
    gates.wait("init")
def run(data): pass
"""
    with launch(version(1)) as server:
        server.wait_healthy()
        write(server, slow)
        server.signal(signal.SIGHUP)
        server.wait_reached("init")
        server.signal(signal.SIGKILL if kill else signal.SIGTERM)
        assert server.wait_exit() == (-signal.SIGKILL if kill else 0)
