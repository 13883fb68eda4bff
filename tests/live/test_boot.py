"""Starting: what clients are told meanwhile. `tests/faults` has the starts that fail."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.live.conftest import Serve
from tests.servers import Server, wait_until

GOOD = "def init(): pass\ndef run(data): return data\n"

SLOW = """
import gates
gates.reach("import")
gates.wait("import")

def init():
    gates.reach("init")
    gates.wait("init")

def run(data):
    return data
"""


def message_at(server: Server, method: str, path: str) -> str:
    """What a request is told before the server is ready; empty until it answers."""
    try:
        reply = server.send(method, path).reply()
    except ConnectionRefusedError:
        return ""
    assert reply.status == 502
    return reply.message


def wait_until_told(server: Server, stage: str) -> None:
    """Waits until both kinds of request are told the stage."""
    wait_until(lambda: stage in message_at(server, "GET", "/"), f"/ tells {stage}")
    wait_until(lambda: stage in message_at(server, "POST", "/score"), f"/score tells {stage}")


class TestMeanwhile:
    def test_probes_and_requests_are_told_the_stage(self, launch: Serve) -> None:
        with launch(SLOW) as server:
            server.wait_reached("import")
            wait_until_told(server, "importing the entry script")
            server.open("import")
            server.wait_reached("init")
            wait_until_told(server, "running init()")
            server.open("init")
            server.wait_healthy()
            assert server.score("data").json() == "data"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_at_once(self, launch: Serve, number: signal.Signals) -> None:
        with launch(SLOW) as server:
            server.wait_reached("import")
            server.open("import")
            server.wait_reached("init")
            server.signal(number)
            assert server.wait_exit() == 0

    def test_one_ready_worker_is_enough(self, launch: Serve) -> None:
        """The other is still in init(), and takes its share once it is ready."""
        script = """
import gates, os
def init():
    try:
        os.mkdir("first")
    except FileExistsError:
        gates.reach("second init")
        gates.wait("second init")
def run(data):
    return os.getpid()
"""
        args = ["--entry_script", "score.py", "--worker_count", "2"]
        with launch(script, args=args) as server:
            server.wait_reached("second init")
            server.wait_healthy()
            first = server.score().json()
            server.open("second init")
            both: set[Any] = {first}

            def both_answer() -> bool:
                pending = [server.start_score() for _ in range(8)]
                both.update(request.reply().json() for request in pending)
                return len(both) == 2

            wait_until(both_answer, "both workers answer")


def test_a_wrong_command_line_ends_with_1(launch: Serve) -> None:
    with launch(GOOD, args=[]) as server:
        assert server.wait_exit() == 1
    with launch(GOOD, args=["--entry_script", "score.py", "--health_port", "x"]) as server:
        assert server.wait_exit() == 1
        assert "--health_port" in server.output


def test_what_init_has_made_is_left_out_of_collections(serve: Serve) -> None:
    script = "import gc\ndef init(): pass\ndef run(data): return gc.get_freeze_count() > 0\n"
    with serve(script) as server:
        assert server.score(b"{}").json() is True
