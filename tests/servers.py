"""Starts the real server around a script, talks to it, and sees to it that nothing of it is left.

Nothing here waits for a length of time: every wait is for an event, with a deadline that only a
broken server meets. Scripts and tests meet at gates, files that one side makes and the other waits
for (`GATES` is the script's side of them).
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scoreserve import compute_budget, settings
from tests.ports import free_port

DEADLINE_SECONDS = 30.0  # far beyond what a slow and busy machine needs
POLL_SECONDS = 0.01

# What an event loop or uvicorn says of an error in the server itself, never in a script.
OUR_ERRORS = (
    "Exception in callback",
    "Exception in ASGI application",
    "Fatal error",
    "Task exception was never retrieved",
    "socket.send() raised exception",
)

MARKER = "TESTED_SCORESERVE"  # in the environment of every process of one server

GATES = '''
"""Where this script and its test wait for each other."""

import pathlib, time

HERE = pathlib.Path(__file__).parent

def reach(name):
    (HERE / f"{name}.reached").touch()

def wait(name):
    deadline = time.monotonic() + 60
    while not (HERE / f"{name}.open").exists():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the gate {name} was never opened")
        time.sleep(0.005)
'''


class PortTaken(Exception):
    """Somebody else listens on the port that was free a moment ago."""


@dataclass(frozen=True)
class Reply:
    """What a request was answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def message(self) -> str:
        """What an error says: its body is `{"message": ...}` and nothing else."""
        assert self.headers["content-type"] == "application/json"
        assert list(self.json()) == ["message"]
        return str(self.json()["message"])


class Pending:
    """A request that is sent and not yet answered, on a connection of its own."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection

    def reply(self) -> Reply:
        """Waits for the answer."""
        reply = read_reply(self._connection)
        self._connection.close()
        return reply


def read_reply(connection: http.client.HTTPConnection) -> Reply:
    """The answer to the request sent last on this connection."""
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, response.read())


@dataclass
class Server:
    """A started server process; perhaps not ready, perhaps gone already."""

    process: subprocess.Popen[bytes]
    port: int
    directory: Path
    log: Path
    marker: str
    _connections: ExitStack = field(default_factory=ExitStack)

    # Talking to it.

    def connect(self) -> http.client.HTTPConnection:
        """A connection that is never made anew behind the test's back."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        self._connections.callback(connection.close)
        connection.connect()
        connection.auto_open = 0
        return connection

    def raw(self) -> socket.socket:
        """A connection for bytes of the test's own."""
        address = ("127.0.0.1", self.port)
        return self._connections.enter_context(socket.create_connection(address, DEADLINE_SECONDS))

    def refuses_connections(self) -> bool:
        """Whether it does. While it closes its port it ignores attempts, which are then repeated:
        after a second.
        """
        try:
            self.raw().close()
        except ConnectionRefusedError:
            return True
        return False

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Pending:
        """Sends a request; an iterator's chunks are sent chunked."""
        connection = self.connect()
        chunked = body is not None and not isinstance(body, bytes)
        connection.request(method, path, body, dict(headers or {}), encode_chunked=chunked)
        return Pending(connection)

    def get(self, path: str) -> Reply:
        return self.send("GET", path).reply()

    def start_score(self, body: str | bytes = b"", **headers: str) -> Pending:
        """Sends a request to score; header names with underscores for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send("POST", "/score", body.encode() if isinstance(body, str) else body, named)

    def score(self, body: str | bytes = b"", **headers: str) -> Reply:
        return self.start_score(body, **headers).reply()

    def is_healthy(self) -> bool:
        try:
            return self.get("/").status == 200
        except OSError:
            return False

    def wait_healthy(self) -> None:
        wait_until(self.is_healthy, "the server is healthy", unless=self._exited)

    # Meeting its script.

    def open(self, gate: str) -> None:
        """Lets the script pass a gate."""
        (self.directory / f"{gate}.open").touch()

    def wait_reached(self, gate: str) -> None:
        """Waits until the script has reached a gate."""
        reached = self.directory / f"{gate}.reached"
        wait_until(reached.exists, f"the script reaches {gate}", unless=self._exited)

    # Watching it.

    @property
    def output(self) -> str:
        """stdout and stderr so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def processes(self, command: str = "") -> list[int]:
        """The ids of its processes, wherever they went, whose command line contains `command`."""
        return [pid for pid in marked_processes(self.marker) if command in command_line(pid)]

    def workers(self) -> list[int]:
        return self.processes("scoreserve.worker")

    # Ending it.

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait_exit(self) -> int:
        """The exit code, once no process of it is left."""
        code = self.process.wait(DEADLINE_SECONDS)
        wait_until(lambda: not self.processes(), "all its processes are gone")
        return code

    def close(self) -> None:
        """Ends whatever is left of it, by force."""
        self._connections.close()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def _exited(self) -> str | None:
        code = self.process.poll()
        return None if code is None else f"it exited with {code}:\n{self.output}"


@contextmanager
def launch(
    script: str | None,
    directory: Path,
    *,
    program: str = "azmlinfsrv",
    args: Sequence[str] = ("--entry_script", "score.py"),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    output: int | None = None,
) -> Iterator[Server]:
    """Starts a server in `directory`, around `score.py` and other files written there.

    Does not wait for it; whatever is left of it in the end is killed. It writes to the descriptor
    `output`, if there is one, instead of to its log.
    """
    for name, text in {"score.py": script, "gates.py": GATES, **(files or {})}.items():
        if text is not None:
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    server = _start(directory, program, args, env or {}, output)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def serve(
    script: str | None,
    directory: Path,
    *,
    program: str = "azmlinfsrv",
    args: Sequence[str] = ("--entry_script", "score.py"),
    env: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    output: int | None = None,
) -> Iterator[Server]:
    """A server that is ready, and that in the end leaves on SIGTERM with 0 and without a trace."""
    with launch(
        script, directory, program=program, args=args, env=env, files=files, output=output
    ) as server:
        server.wait_healthy()
        yield server
        if server.process.poll() is None:
            server.signal(signal.SIGTERM)
            assert server.wait_exit() == 0
        assert not [words for words in OUR_ERRORS if words in server.output], server.output


def _start(
    directory: Path,
    program: str,
    args: Sequence[str],
    env: Mapping[str, str],
    output: int | None,
) -> Server:
    marker = uuid.uuid4().hex
    port = free_port()
    log = directory / f"{marker}.log"
    with log.open("wb") as log_file:
        process = subprocess.Popen(
            [Path(sys.executable).with_name(program), *args, "--port", str(port)],
            cwd=directory,
            env={**clean_environment(), **env, MARKER: marker},
            stdin=subprocess.DEVNULL,
            stdout=log_file if output is None else output,
            stderr=subprocess.STDOUT,
        )
    return Server(process, port, directory, log, marker)


def clean_environment() -> dict[str, str]:
    """That of the tests, without any setting, nor what settings lead to."""
    names = {name for _, source in settings.sources() for name in source.env}
    names.update(compute_budget.VARIABLES)
    return {name: value for name, value in os.environ.items() if name not in names}


def wait_until(
    condition: Callable[[], object],
    what: str,
    *,
    unless: Callable[[], str | None] = lambda: None,
    seconds: float = DEADLINE_SECONDS,
) -> None:
    """Waits until the condition holds. Fails if `unless` says why it never will, or in the end."""
    deadline = time.monotonic() + seconds
    while not condition():
        reason = unless()
        assert reason is None, f"never seen: {what}, since {reason}"
        assert time.monotonic() < deadline, f"not seen in {seconds:.0f} s: {what}"
        time.sleep(POLL_SECONDS)


def marked_processes(marker: str) -> list[int]:
    """The processes that were started with the marker in their environment, and still run."""
    wanted = f"{MARKER}={marker}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):  # it has just ended, or is another user's
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
    return found


def is_asleep(pid: int) -> bool:
    """Whether all threads of a process wait, so that a signal interrupts what they wait for. (Just
    before a thread of Python's does, its handler would have to wait until that is over.)
    """
    try:
        states = [
            (task / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            for task in Path(f"/proc/{pid}/task").iterdir()
        ]
    except OSError:  # one has just ended
        return False
    return all(state == "S" for state in states)


def command_line(pid: int) -> str:
    """A process's command and arguments; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
