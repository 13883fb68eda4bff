"""Workers that die: what they had in hand is answered 502, everything else is answered."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests import servers
from tests.live.conftest import Serve
from tests.servers import Server, wait_until

DIES_ON_DEMAND = """
import ctypes, os, signal, sys
def init(): pass
def run(data):
    exec(data)
    return "alive"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.serve(DIES_ON_DEMAND, tmp_path_factory.mktemp("server")) as server:
        yield server


class TestTheRequestInHand:
    @pytest.mark.parametrize(
        ("death", "named"),
        [
            ("os._exit(7)", "exited with code 7"),
            ("os._exit(0)", "exited with code 0"),
            ("os._exit(3)", "exited with code 3"),
            ("ctypes.string_at(0)", "SIGSEGV"),
            ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
            ("os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
        ],
    )
    def test_is_answered_502_and_the_next_one_200(
        self, server: Server, death: str, named: str
    ) -> None:
        reply = server.score(death, x_request_id="mine")
        assert reply.status == 502
        assert named in reply.message
        assert reply.headers["x-ms-run-function-failed"] == "True"
        assert reply.headers["x-request-id"] == "mine"
        assert server.score().json() == "alive"

    @pytest.mark.parametrize("end", ["sys.exit(4)", "exit()", "raise KeyboardInterrupt"])
    def test_is_a_500_when_the_script_only_asked_to_end(self, server: Server, end: str) -> None:
        workers = server.workers()
        assert server.score(end).status == 500
        assert server.score().json() == "alive"
        assert server.workers() == workers

    def test_is_in_the_log(self, server: Server) -> None:
        server.score("os._exit(9)")
        wait_until(lambda: "exited with code 9" in server.output, "the death is logged")


def test_requests_that_wait_are_answered_by_the_replacement(serve: Serve) -> None:
    script = """
import gates, os
def init(): pass
def run(data):
    if data == "dies":
        gates.reach("run")
        gates.wait("death")
        os._exit(7)
    return data
"""
    with serve(script) as server:
        dying = server.start_score("dies")
        server.wait_reached("run")
        names = [f"waits {number}" for number in range(10)]
        waiting = [server.start_score(name) for name in names]
        assert server.get("/").status == 200  # by now the front has read what came before
        server.open("death")
        assert dying.reply().status == 502
        assert [request.reply().json() for request in waiting] == names


def test_another_worker_goes_on(serve: Serve) -> None:
    script = """
import gates, os
def init(): pass
def run(data):
    if data == "stays":
        gates.reach("run")
        gates.wait("answer")
    elif data == "dies":
        os._exit(7)
    return data
"""
    with serve(script, args=["--entry_script", "score.py", "--worker_count", "2"]) as server:
        staying = server.start_score("stays")
        server.wait_reached("run")
        assert server.score("dies").status == 502
        server.open("answer")
        assert staying.reply().json() == "stays"


def test_an_idle_worker_is_replaced(serve: Serve) -> None:
    with serve("def init(): pass\ndef run(data): return data\n") as server:
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: server.workers() not in ([], [worker]), "a new worker")
        assert server.score("data").json() == "data"


def test_what_a_dead_worker_had_started_is_ended(serve: Serve) -> None:
    script = """
import os, subprocess
def init():
    subprocess.Popen(["sleep", "1000"])
def run(data):
    os._exit(7)
"""
    with serve(script) as server:
        (child,) = server.processes("sleep")
        assert server.score().status == 502
        wait_until(lambda: child not in server.processes("sleep"), "the old worker's child is gone")


def test_a_worker_whose_threads_hold_up_its_exit_keeps_nobody_waiting(serve: Serve) -> None:
    script = """
import threading
class End(BaseException): pass
def init():
    threading.Thread(target=threading.Event().wait).start()
def run(data):
    if data == "ends":
        raise End
    return data
"""
    with serve(script) as server:
        assert server.score("ends").status == 502
        assert server.score("data").json() == "data"
