"""Workers that die: what they had in hand is answered 502, everything else is answered."""

from __future__ import annotations

import http.client
import os
import signal
from collections.abc import Iterator

import pytest

from tests import servers
from tests.live.conftest import Serve
from tests.servers import Server, is_asleep, wait_until

DIES_ON_DEMAND = """
import asyncio, ctypes, os, signal, sys
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
            ("ctypes.string_at(0)", "killed by SIGSEGV"),
            ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL"),  # as for want of memory
            ("os.kill(os.getpid(), signal.SIGTERM)", "killed by SIGTERM"),
        ],
    )
    def test_is_answered_502_and_the_next_one_200(
        self, server: Server, death: str, named: str
    ) -> None:
        reply = server.score(death, x_request_id=f"died of {named}")
        assert reply.status == 502
        assert named in reply.message
        assert reply.headers["x-ms-run-function-failed"] == "True"
        assert reply.headers["x-request-id"] == f"died of {named}"
        assert server.score().json() == "alive"
        assert f"{named}, running request died of {named}" in server.output

    @pytest.mark.parametrize(
        "raising", ["sys.exit(4)", "raise KeyboardInterrupt", "raise asyncio.CancelledError"]
    )
    def test_is_a_500_when_the_script_only_raised(self, server: Server, raising: str) -> None:
        workers = server.workers()
        assert server.score(raising).status == 500
        assert server.score().json() == "alive"
        assert server.workers() == workers

    def test_of_a_crash_is_in_the_log_with_the_stack(self, server: Server) -> None:
        server.score("ctypes.string_at(0)")
        assert "Fatal Python error: Segmentation fault" in server.output
        assert "in string_at" in server.output

    def test_that_is_too_much_for_the_memory_is_a_500(self, server: Server) -> None:
        """An allocation that is refused is an exception like others; a kill is not."""
        limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))"
        assert server.score().json() == "alive"
        workers = server.workers()
        assert server.score(f"{limit}; bytearray(1 << 40)").status == 500
        assert server.score().json() == "alive"
        assert server.workers() == workers


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


HANGS_IN_C = """
import ctypes, gates
def init(): pass
def run(data):
    if data == "hangs":
        gates.reach("run")
        lock_twice()
    return data
def lock_twice():
    mutex = ctypes.create_string_buffer(64)
    lock = ctypes.PyDLL(None).pthread_mutex_lock  # unlike CDLL, it keeps the GIL
    lock(mutex), lock(mutex)
"""


def test_one_that_hangs_in_c_code_is_ended_with_its_stack_in_the_log(serve: Serve) -> None:
    env = {"SCORING_TIMEOUT_MS": "200", "SCORESERVE_QUEUE_TIMEOUT_MS": "60000"}
    with serve(HANGS_IN_C, env=env) as server:
        hanging = server.start_score("hangs", x_request_id="mine")
        server.wait_reached("run")
        waiting = server.start_score("waits")
        assert server.get("/").status == 200  # though it keeps the GIL
        reply = hanging.reply()
        assert (reply.status, reply.message) == (500, "Scoring timeout after 200 ms")
        assert reply.headers["x-request-id"] == "mine"
        assert waiting.reply().json() == "waits"
        assert "running request mine: Scoring timeout after 200 ms" in server.output
        assert "in lock_twice" in server.output


@pytest.mark.parametrize("path_to_score", ["true", "false"], ids=["fast path", "ASGI path"])
def test_a_body_that_its_worker_was_sending_is_left_incomplete(
    serve: Serve, path_to_score: str
) -> None:
    script = """
import gates
def init(): pass
def run(data):
    if data == "plain":
        return data
    def chunks():
        yield "a"
        gates.reach("chunk")
        gates.wait("never")
    return chunks()
"""
    with serve(script, env={"SCORESERVE_FAST_PATH": path_to_score}) as server:
        connection = server.connect()
        connection.request("POST", "/score", "stream")
        response = connection.getresponse()
        server.wait_reached("chunk")
        waiting = [server.start_score("plain") for _ in range(3)]
        assert server.get("/").status == 200  # by now the front has read what came before
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        with pytest.raises(http.client.IncompleteRead):
            response.read()
        assert [request.reply().json() for request in waiting] == ["plain"] * 3


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_idle_worker_is_replaced(serve: Serve, number: signal.Signals) -> None:
    with serve("def init(): pass\ndef run(data): return data\n") as server:
        (worker,) = server.workers()
        os.kill(worker, number)
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
def init():
    threading.Thread(target=threading.Event().wait).start()
def run(data):
    return data
"""
    with serve(script, env={"SCORESERVE_DRAIN_SECONDS": "1"}) as server:
        (worker,) = server.workers()
        wait_until(lambda: is_asleep(worker), "it waits for requests")
        os.kill(worker, signal.SIGINT)  # ends its main thread
        wait_until(lambda: worker not in server.workers(), "it is gone")
        assert server.score("data").json() == "data"


@pytest.mark.parametrize("child", ["", "sys.exit()"], ids=["returns from run()", "exits"])
def test_a_process_that_run_forked_answers_nobody(serve: Serve, child: str) -> None:
    with serve(DIES_ON_DEMAND) as server:
        server.score()
        worker = server.workers()
        server.score(f"pid = os.fork()\nif not pid:\n    {child or 'pass'}")
        replies = [server.score(f"data = {number}") for number in range(20)]
        assert [reply.json() for reply in replies] == ["alive"] * 20
        wait_until(lambda: server.workers() == worker, "the child has ended")
