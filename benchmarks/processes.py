"""Server processes: started on chosen CPUs, awaited, asked, weighed, and stopped whatever happens.

Every process of a server carries a mark in its environment, so it is found wherever it went: some
servers lead sessions of their own, or are adopted by another process when their parent ends.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dialects import Post
from benchmarks.scenarios import Scenario
from benchmarks.servers import Launch, Server, server_environment
from scoreserve.bench.failure import BenchmarkError
from scoreserve.bench.processes import (
    LOOPBACK,
    POLL_SECONDS,
    REQUEST_SECONDS,
    free_ports,
    request,
    started,
    tail,
)

READY_SECONDS = 60.0  # for a server to answer its probe; importing scikit-learn takes a few
SPARE_PORTS = 2  # the most that a server wants beside its own


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
    with tempfile.TemporaryDirectory(prefix="scoreserve-bench-") as directory, ExitStack() as stack:
        begun = time.monotonic()
        environ = server_environment(server, launch)
        with pinned(cpus):
            process = stack.enter_context(
                started(server.name, server.command(launch), environ, directory, log)
            )
        process.wait_ready(lambda: _is_healthy(server, launch.port), READY_SECONDS, poll_seconds)
        yield Running(server, launch, log, process.mark, time.monotonic() - begun)


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


def _is_healthy(server: Server, port: int) -> bool:
    try:
        status, _ = request(port, "GET", server.dialect.health)
    except OSError:
        return False
    return status == 200
