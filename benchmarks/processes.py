"""Server processes: started on chosen CPUs, awaited, asked, and stopped whatever happens."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from failure import BenchmarkError
from servers import LOOPBACK, Launch, Server, server_environment

READY_SECONDS = 60.0  # for a server to answer `/`; importing scikit-learn takes a few
POLL_SECONDS = 0.05
REQUEST_SECONDS = 10.0  # for one request of ours, outside the measurements
STOP_SECONDS = 5.0  # from SIGTERM to SIGKILL
LOG_TAIL_LINES = 15


@dataclass(frozen=True)
class Running:
    """A server that has answered: where it listens and where its output goes."""

    server: Server
    port: int
    log: Path

    @property
    def url(self) -> str:
        """Where the load goes."""
        return f"http://{LOOPBACK}:{self.port}/score"


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def pinned(cpus: list[int]) -> Iterator[None]:
    """Run on `cpus` inside the block; children started there stay on them."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def running(server: Server, launch: Launch, cpus: list[int], log: Path) -> Iterator[Running]:
    """Start the server on `cpus`, wait until `/` answers 200, and stop all of it at the end."""
    command = server.command(launch)
    with log.open("wb") as output, pinned(cpus):
        process = subprocess.Popen(
            command,
            cwd=launch.entry_script.parent,
            env=server_environment(launch),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a process group of its own, to be signalled as one
        )
    try:
        started = Running(server, launch.port, log)
        _wait_ready(started, process)
        yield started
    finally:
        _stop_group(process)


def request(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """One request on a connection of its own; returns status and body; raises OSError."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=REQUEST_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        return reply.status, reply.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def wait_idle(server: Running) -> None:
    """Return once the server answers `/` again after a load; raises BenchmarkError."""
    deadline = time.monotonic() + REQUEST_SECONDS
    while not _is_healthy(server.port):
        if time.monotonic() > deadline:
            raise BenchmarkError(f"{server.server.name} does not answer `/`\n{tail(server.log)}")
        time.sleep(POLL_SECONDS)


def tail(log: Path) -> str:
    """The last lines of a server's output, indented."""
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines)


def _is_healthy(port: int) -> bool:
    try:
        status, _ = request(port, "GET", "/")
    except OSError:
        return False
    return status == 200


def _wait_ready(started: Running, process: subprocess.Popen[bytes]) -> None:
    name = started.server.name
    deadline = time.monotonic() + READY_SECONDS
    while not _is_healthy(started.port):
        if process.poll() is not None:
            code = process.returncode
            raise BenchmarkError(f"{name} exited with {code}\n{tail(started.log)}")
        if time.monotonic() > deadline:
            late = f"{name} is not ready after {READY_SECONDS:.0f} s"
            raise BenchmarkError(f"{late}\n{tail(started.log)}")
        time.sleep(POLL_SECONDS)


def _stop_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the group, then SIGKILL to what is left of it, also when its leader is gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
