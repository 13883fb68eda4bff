"""Who ends with whom: no process outlives its parents, and none is cut off that may finish."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.conftest import Serve
from tests.ports import free_port
from tests.servers import Server, wait_until

ECHO = "def init(): pass\ndef run(data): return data\n"

HOLDS_THE_GIL = """
import gates
def init(): pass
def run(data):
    gates.reach("busy")
    sum(range(10**12))  # looks for no signal, and lets no thread run
"""

AT_EXIT = """
import atexit, pathlib, threading, time

HERE = pathlib.Path(__file__).parent

def flush():
    time.sleep(1.5)
    (HERE / "flushed").touch()

def write():
    threading.main_thread().join()
    (HERE / "written").touch()

def init():
    atexit.register(flush)
    threading.Thread(target=write).start()

def run(data): return data
"""

KILLS = """
import os, signal
def init(): pass
def run(data):
    if data == "kill":
        os.kill(os.getpid(), signal.SIGSEGV)
    return data
"""

LIMITS = """
import resource
def init(): pass
def run(data):
    if data == "die":
        import os
        os._exit(1)
    return resource.getrlimit(resource.RLIMIT_NOFILE)
"""


def front_of(server: Server) -> int:
    """The process id of its front."""
    (front,) = set(server.processes("azmlinfsrv")) - {server.process.pid}
    return front


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()
    return False


@contextlib.contextmanager
def open_files(most: int) -> Iterator[None]:
    """Servers that are started meanwhile may have so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_signal_to_the_front_alone_leaves_no_deaf_server(
    serve: Serve, number: signal.Signals
) -> None:
    """Another front starts on the same sockets, which must let clients in again."""
    with serve(ECHO) as server:
        front = front_of(server)
        os.kill(front, number)
        wait_until(lambda: not is_alive(front), "the front is gone")

        def serves_again() -> bool:
            with contextlib.suppress(OSError):
                return server.score("again").status == 200
            return False

        wait_until(serves_again, "another one serves")


def test_a_worker_that_holds_the_gil_ends_with_arbiter_and_front(serve: Serve) -> None:
    with serve(HOLDS_THE_GIL) as server:
        running = server.start_score()
        server.wait_reached("busy")
        (worker,) = server.workers()
        front = front_of(server)
        os.kill(front, signal.SIGSTOP)  # or it may answer, told of the arbiter's end
        os.kill(server.process.pid, signal.SIGKILL)
        os.kill(front, signal.SIGKILL)
        wait_until(lambda: not is_alive(worker), "the worker is gone")
        with pytest.raises((ConnectionError, OSError)):
            running.reply()
        server.wait_exit()


def test_an_arbiter_that_dies_at_once_leaves_nobody(launch: Serve) -> None:
    """However early: the front knows whose child it was before it was one."""
    for _ in range(5):
        with launch(ECHO) as server:
            wait_until(lambda: server.processes("azmlinfsrv")[1:], "there is a front")
            os.kill(server.process.pid, signal.SIGKILL)
            server.wait_exit()
            wait_until(
                lambda: not server.processes("azmlinfsrv") and not server.workers(),
                "all are gone",
            )


def test_atexit_handlers_and_threads_have_what_is_left_of_the_drain_time(serve: Serve) -> None:
    with serve(AT_EXIT) as server:
        assert server.score("a").status == 200
        server.signal(signal.SIGTERM)
        assert server.wait_exit() == 0
        assert (server.directory / "written").exists()
        assert (server.directory / "flushed").exists()


def test_requests_that_kill_their_workers_end_no_server(serve: Serve) -> None:
    with serve(KILLS) as server:
        for _ in range(6):  # as many as are hopeless where no request can be the cause
            assert server.score("kill").status == 502
        assert server.score("alive").json() == "alive"


@pytest.mark.parametrize("most", [12, 14, 16, 18, 20])
def test_a_boot_that_cannot_be_ends_with_3_and_the_reason(tmp_path: Path, most: int) -> None:
    """With so few open files some boots fail, here or there; one that does not, serves."""
    (tmp_path / "score.py").write_text(ECHO)
    program = Path(sys.executable).with_name("azmlinfsrv")
    port = free_port()
    with subprocess.Popen(
        ["sh", "-c", f"ulimit -n {most} && exec {program} --entry_script score.py --port {port}"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:

        def is_decided() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as it:
                it.settimeout(1)
                it.sendall(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n")
                return it.recv(100).startswith(b"HTTP/1.1 200")
            return process.poll() is not None

        try:
            wait_until(is_decided, "it serves or ends")
        finally:
            code = process.poll()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        assert process.stdout is not None
        output = process.stdout.read().decode()
    assert code in (None, 3), output
    assert code is None or "Too many open files" in output or "before it can serve" in output


def test_all_workers_have_the_same_limit_of_open_files(serve: Serve) -> None:
    with open_files(256), serve(LIMITS) as server:
        first = server.score("limit").json()
        assert server.score("die").status == 502
        assert server.score("limit").json() == first
