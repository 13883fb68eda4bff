"""Server processes: started on chosen CPUs, awaited, asked, weighed, and stopped whatever happens.

Every process of a server carries a mark in its environment, so it is found wherever it went: some
servers lead sessions of their own, or are adopted by another process when their parent ends.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dialects import Post
from benchmarks.failure import BenchmarkError
from benchmarks.scenarios import Scenario
from benchmarks.servers import LOOPBACK, Launch, Server, server_environment

READY_SECONDS = 60.0  # for a server to answer its probe; importing scikit-learn takes a few
POLL_SECONDS = 0.05
REQUEST_SECONDS = 60.0  # for one request of ours, outside the measurements
STOP_SECONDS = 5.0  # from SIGTERM to SIGKILL
LOG_TAIL_LINES = 15
SPARE_PORTS = 2  # the most that a server wants beside its own
MARK = "SCORESERVE_BENCH_MARK"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Running:
    """A server that has answered: what it serves, where it listens, where its output goes."""

    server: Server
    launch: Launch
    log: Path
    mark: str
    ready_seconds: float  # from process start to the first 200 of its probe

    @property
    def port(self) -> int:
        """Where it listens, on the loopback."""
        return self.launch.port

    @property
    def post(self) -> Post:
        """The scenario's request in this server's dialect."""
        return self.server.dialect.post(self.launch.scenario)

    @property
    def url(self) -> str:
        """Where the load goes."""
        return f"http://{LOOPBACK}:{self.port}{self.post.path}"


def free_ports(count: int) -> list[int]:
    """Different TCP ports that nobody listens on now."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((LOOPBACK, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def launch_of(
    scenario: Scenario, workers: int = 1, overrides: dict[str, str] | None = None
) -> Launch:
    """A launch on ports that are free now."""
    port, *spare = free_ports(1 + SPARE_PORTS)
    return Launch(scenario, port, workers, tuple(spare), overrides or {})


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
def running(
    server: Server,
    launch: Launch,
    cpus: list[int],
    log: Path,
    poll_seconds: float = POLL_SECONDS,
) -> Iterator[Running]:
    """Start the server on `cpus`, wait until its probe is 200, and stop all of it at the end."""
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as directory:
        with log.open("wb") as output, pinned(cpus):
            started = time.monotonic()
            process = subprocess.Popen(
                server.command(launch),
                cwd=directory,
                env={**server_environment(server, launch), MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a process group of its own, to be signalled as one
            )
        try:
            _wait_ready(server, launch.port, log, process, poll_seconds)
            yield Running(server, launch, log, mark, time.monotonic() - started)
        finally:
            _stop(process, mark)


def request(
    port: int, method: str, path: str, body: bytes | None = None, content_type: str = ""
) -> tuple[int, bytes]:
    """One request on a connection of its own; returns status and body; raises OSError."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=REQUEST_SECONDS)
    try:
        connection.request(method, path, body, {"Content-Type": content_type} if body else {})
        reply = connection.getresponse()
        return reply.status, reply.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def ask(server: Running) -> object:
    """The decoded reply to the scenario's request; raises BenchmarkError unless it is a 200."""
    name, post = server.server.name, server.post
    try:
        status, content = request(server.port, "POST", post.path, post.body, post.content_type)
        if status == 200:
            return server.server.dialect.reply(content)
    except (OSError, ValueError, KeyError) as error:
        raise BenchmarkError(f"{name} gives no reply: {error!r}\n{tail(server.log)}") from error
    raise BenchmarkError(f"{name} answers {status}: {content[:200]!r}\n{tail(server.log)}")


def wait_idle(server: Running) -> None:
    """Return once the server answers its probe again after a load; raises BenchmarkError."""
    deadline = time.monotonic() + REQUEST_SECONDS
    while not _is_healthy(server.server, server.port):
        if time.monotonic() > deadline:
            raise BenchmarkError(
                f"{server.server.name} does not answer its probe\n{tail(server.log)}"
            )
        time.sleep(POLL_SECONDS)


def tail(log: Path) -> str:
    """The last lines of a server's output, indented."""
    lines = log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines)


def marked(mark: str) -> list[int]:
    """The ids of the processes that were started with the mark and still run."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):  # it has just ended, or is another user's
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def resident_mib(pids: list[int]) -> float:
    """Resident memory of the processes, shared pages counted in each."""
    return _sum_kib(pids, "status", "VmRSS:") / 1024


def proportional_mib(pids: list[int]) -> float:
    """The same with shared pages divided among those that share them."""
    return _sum_kib(pids, "smaps_rollup", "Pss:") / 1024


def _sum_kib(pids: list[int], file: str, key: str) -> int:
    total = 0
    for pid in pids:
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8").splitlines():
                if line.startswith(key):
                    total += int(line.split()[1])
    return total


def _is_healthy(server: Server, port: int) -> bool:
    try:
        status, _ = request(port, "GET", server.dialect.health)
    except OSError:
        return False
    return status == 200


def _wait_ready(
    server: Server, port: int, log: Path, process: subprocess.Popen[bytes], poll_seconds: float
) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _is_healthy(server, port):
        if process.poll() is not None:
            raise BenchmarkError(f"{server.name} exited with {process.returncode}\n{tail(log)}")
        if time.monotonic() > deadline:
            late = f"{server.name} is not ready after {READY_SECONDS:.0f} s"
            raise BenchmarkError(f"{late}\n{tail(log)}")
        time.sleep(poll_seconds)


def _stop(process: subprocess.Popen[bytes], mark: str) -> None:
    """SIGTERM to the leader's group, then SIGKILL to whatever still carries the mark."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in marked(mark):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
