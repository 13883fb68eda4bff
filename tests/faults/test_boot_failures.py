"""Servers that cannot start, or cannot go on: exit code 3, and with it the container ends.

No loop of restarts, and the log says why.
"""

from __future__ import annotations

import os
import signal

import pytest

from tests.live.conftest import Serve

NON_DAEMON_THREAD = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"


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
    launch: Serve, script: str | None, said: str
) -> None:
    files = {"model/weights/model.pkl": ""}
    args = ["--entry_script", "score.py", "--model_dir", "model"]
    with launch(script, files=files, args=args) as server:
        assert server.wait_exit() == 3
        assert said in server.output
        assert str(server.directory / "score.py") in server.output
        assert "    weights/" in server.output
        assert "        model.pkl" in server.output


@pytest.mark.parametrize("program", ["azmlinfsrv", "scoreserve"])
def test_end_with_what_where_and_what_to_do(launch: Serve, program: str) -> None:
    """Below all that the processes say as they end."""
    script = f"{NON_DAEMON_THREAD}\nimport no_such_module\n"
    serve = ["serve", "score.py", "--workers", "3"]
    args = serve if program == "scoreserve" else ["--entry_script", "score.py"]
    with launch(script, program=program, args=args) as server:
        assert server.wait_exit() == 3
        assert server.output.splitlines()[-6:] == [
            "------------------------- scoreserve could not start -------------------------",
            "What     No module named 'no_such_module'",
            f"Where    {server.directory}/score.py, line 4",
            "         import no_such_module",
            "To do    pip install no_such_module",
            "------------------------------------------------------------------------------",
        ]
        traceback, _, _ = server.output.partition("Traceback")[2].partition("\n\n")
        assert "scoreserve/worker" not in traceback


def test_where_nobody_can_listen_are_told_at_once(launch: Serve) -> None:
    """192.0.2.0/24 is of no machine: RFC 5737."""
    args = ["serve", "score.py", "--host", "192.0.2.1"]
    with launch(NON_DAEMON_THREAD, program="scoreserve", args=args) as server:
        assert server.wait_exit() == 1
        _, _, block = server.output.partition(" scoreserve could not start ")
        words = " ".join(block.split())
        assert "What It is not possible to listen on 192.0.2.1, port" in words
        assert "Where --host 192.0.2.1 To do Choose an address of this machine" in words


@pytest.mark.parametrize(
    ("end", "said"),
    [("os._exit(0)", "exited with code 0"), ("os.abort()", "killed by SIGABRT")],
)
def test_without_a_word_are_named_by_the_way_the_process_ended(
    launch: Serve, end: str, said: str
) -> None:
    with launch(f"import os\ndef init(): {end}\ndef run(data): pass\n") as server:
        assert server.wait_exit() == 3
        assert said in server.output


def test_with_two_workers_end_the_server_too(launch: Serve) -> None:
    args = ["--entry_script", "score.py", "--worker_count", "2"]
    with launch("import no_such_module\n", args=args) as server:
        assert server.wait_exit() == 3


def test_an_init_that_hangs_is_ended_with_its_stack_in_the_log(launch: Serve) -> None:
    script = """
import threading
def load_the_model():
    threading.Event().wait()
def init():
    load_the_model()
def run(data): pass
"""
    with launch(script, env={"WORKER_TIMEOUT": "1"}) as server:
        assert server.wait_exit() == 3
        assert "init() took longer than WORKER_TIMEOUT, 1 s" in server.output
        assert "in load_the_model" in server.output


STARTS_ONCE = """
import os
def init():
    if os.path.exists("started"):
        os._exit(5)
    open("started", "w").close()
def run(data):
    return data
"""


def test_replacements_that_all_fail_end_the_server(serve: Serve) -> None:
    with serve(STARTS_ONCE) as server:
        assert server.score("data").json() == "data"
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        assert server.wait_exit() == 3
        assert "exited with code 5" in server.output
