"""Starting: what clients are told meanwhile, and how a server ends that cannot start."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.live.conftest import Serve
from tests.servers import Server, wait_until

GOOD = "def init(): pass\ndef run(data): return data\n"
NON_DAEMON_THREAD = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"

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


class TestFailures:
    """The process exits with 3, and with it the container: no loop of restarts."""

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("def init(:\n", "SyntaxError"),
            ("import no_such_module\n", "No module named 'no_such_module'"),
            (f"{NON_DAEMON_THREAD}import no_such_module\n", "No module named 'no_such_module'"),
            ("def run(data): pass\n", "init()"),
            ("def init(): pass\n", "run()"),
            ("def init(): pass\ndef run(*args): pass\n", "*args"),
            ("def init(): raise ValueError('mine')\ndef run(data): pass\n", "ValueError: mine"),
            ("def init(): exit(0)\ndef run(data): pass\n", "SystemExit: 0"),
            (
                f"{NON_DAEMON_THREAD}def init(): raise ValueError('mine')\ndef run(data): pass\n",
                "ValueError: mine",
            ),
            (None, "score.py"),
        ],
        ids=[
            *("syntax", "import", "import, with a thread", "no init", "no run", "signature"),
            *("init raises", "init exits", "init raises, with a thread", "no script"),
        ],
    )
    def test_are_reported_with_what_was_looked_for_and_the_model_directory(
        self, launch: Serve, script: str | None, said: str
    ) -> None:
        files = {"model/weights/model.pkl": ""}
        args = ["--entry_script", "score.py", "--model_dir", "model"]
        with launch(script, files=files, args=args) as server:
            assert server.wait_exit() == 3
            assert said in server.output
            assert str(server.directory / "score.py") in server.output
            assert "    weights/" in server.output
            assert "        model.pkl" in server.output

    @pytest.mark.parametrize(
        ("end", "said"),
        [("os._exit(0)", "exited with code 0"), ("os.abort()", "killed by SIGABRT")],
    )
    def test_without_a_word_are_named_by_the_way_the_process_ended(
        self, launch: Serve, end: str, said: str
    ) -> None:
        with launch(f"import os\ndef init(): {end}\ndef run(data): pass\n") as server:
            assert server.wait_exit() == 3
            assert said in server.output

    def test_with_two_workers_end_the_server_too(self, launch: Serve) -> None:
        args = ["--entry_script", "score.py", "--worker_count", "2"]
        with launch("import no_such_module\n", args=args) as server:
            assert server.wait_exit() == 3

    def test_of_the_command_line_end_with_1(self, launch: Serve) -> None:
        with launch(GOOD, args=[]) as server:
            assert server.wait_exit() == 1
        with launch(GOOD, args=["--entry_script", "score.py", "--health_port", "x"]) as server:
            assert server.wait_exit() == 1
            assert "--health_port" in server.output


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
