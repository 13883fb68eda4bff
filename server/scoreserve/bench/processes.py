"""Server processes: started, awaited, asked, weighed, and stopped whatever happens.

Every process of a server carries a mark in its environment, so it is found wherever it went: some
servers lead sessions of their own, or are adopted by another process when their parent ends.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from scoreserve.bench.failure import BenchmarkError

LOOPBACK = "127.0.0.1"
MARK = "SCORESERVE_BENCH_MARK"

POLL_SECONDS = 0.05
REQUEST_SECONDS = 60.0  # for one request of ours, outside the measurements
_STOP_SECONDS = 5.0  # from SIGTERM to SIGKILL
_LOG_TAIL_LINES = 15


@dataclass(frozen=True)
class Started:
    """A server's first process, the mark of all of them, and the file that their output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    mark: str
    log: Path

    def wait_ready(
        self, is_ready: Callable[[], bool], seconds: float, poll_seconds: float = POLL_SECONDS
    ) -> None:
        """Returns once it is ready. Raises BenchmarkError when it ends, or is not in time."""
        deadline = time.monotonic() + seconds
        while not is_ready():
            if self.process.poll() is not None:
                raise BenchmarkError(
                    f"{self.name} exited with {self.process.returncode}\n{tail(self.log)}"
                )
            if time.monotonic() > deadline:
                raise BenchmarkError(
                    f"{self.name} is not ready after {seconds:.0f} s\n{tail(self.log)}"
                )
            time.sleep(poll_seconds)


@contextmanager
def started(
    name: str, command: Sequence[str], environ: Mapping[str, str], folder: str | Path, log: Path
) -> Iterator[Started]:
    """Starts the command in this folder with this environment, and stops all of it at the end.

    Raises BenchmarkError when there is no such program.
    """
    mark = uuid.uuid4().hex
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env={**environ, MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a process group of its own, to be signalled as one
            )
        except OSError as error:
            raise BenchmarkError(f"{command[0]} cannot be started: {error.strerror}") from None
    try:
        yield Started(name, process, mark, log)
    finally:
        _stop(process, mark)


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


def tail(log: Path) -> str:
    """The last lines of a server's output, indented."""
    lines = log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    return "\n".join(f"    {line}" for line in lines)


def marked(mark: str) -> list[int]:
    """The ids of the processes that were started with the mark and still run."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):  # none where there is no /proc
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


def _stop(process: subprocess.Popen[bytes], mark: str) -> None:
    """SIGTERM to the leader's group, then SIGKILL to whatever still carries the mark."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pid in marked(mark):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
