"""Does what a page says, as its reader would: saves its files and types its commands.

A page's ports are exchanged for free ones. All happens in one folder, from which the environment of
the tests is on PATH.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.fences import Fence
from tests.ports import free_port
from tests.servers import wait_until

COMMAND_SECONDS = 90
_LOG_SECONDS = 10  # until a line is in a server's log
_SERVER = re.compile(r"^(?:[A-Z_]+=\S+ )*(?:\S*/)?(?:scoreserve (?:serve|dev)|azmlinfsrv)\b")
_PORT = re.compile(r"\b500[1-9]\b")
DEFAULT_PORT = "5001"


@dataclass
class Server:
    """One that a page has started, and what it has printed so far."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_ready(self) -> None:
        wait_until(self._answers, "the server of the page answers", unless=self._exited)

    def stop(self) -> None:
        """As with Ctrl-C, which the terminal sends to all in the foreground."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(COMMAND_SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _exited(self) -> str | None:
        code = self.process.poll()
        return None if code is None else f"it exited with {code}:\n{self.output}"


@dataclass
class Reader:
    """Reads one page, in a folder of its own."""

    folder: Path
    environ: Mapping[str, str]
    has: frozenset[str] = frozenset()  # of what blocks need, so that these are followed too
    seconds: float = COMMAND_SECONDS  # that the commands of a block may take
    output: str = ""  # of the last commands
    servers: dict[str, Server] = field(default_factory=dict)
    _ports: dict[str, str] = field(default_factory=dict)
    _passed_over: bool = False  # the last commands, for want of what they need

    def __post_init__(self) -> None:
        (self.folder / "work").mkdir()
        self._cwd = self.folder / "work"
        config = self.folder / "config.json"  # what `scoreserve serve` alone listens on
        config.write_text(json.dumps({"SERVER_PORT": self._port(DEFAULT_PORT)}), encoding="utf-8")
        bin_folder = Path(sys.executable).parent
        self.environ = {
            **self.environ,
            "PATH": f"{bin_folder}{os.pathsep}{self.environ['PATH']}",
            "AZUREML_CONFIG_FILE": str(config),
            "NO_COLOR": "1",
        }

    def follow(self, fence: Fence) -> None:
        """Does what one block says. Raises AssertionError where it is not as the page says."""
        try:
            self._follow(fence)
        except AssertionError as error:
            raise AssertionError(f"line {fence.line} of the page: {error}") from None

    def close(self) -> None:
        """Ends the servers that are left."""
        for server in self.servers.values():
            server.stop()

    def _follow(self, fence: Fence) -> None:
        text = _PORT.sub(lambda port: self._port(port[0]), fence.text)
        if fence.file is not None:
            path = self._cwd / fence.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif fence.is_output:
            if not self._passed_over:
                self._expect(text, fence.terminal)
        elif fence.is_commands:
            self._passed_over = fence.needs is not None and fence.needs not in self.has
            if self._passed_over:
                return
            if fence.terminal and _SERVER.match(text.rstrip().splitlines()[-1]):
                self._serve(text, fence.terminal)
            else:
                self._run(text, fence.exit_code)

    def _run(self, text: str, exit_code: int) -> None:
        where = self.folder / "cwd"
        done = subprocess.run(
            ["bash", "-euc", f"trap 'pwd > {where}' EXIT\n{text}"],
            cwd=self._cwd,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=self.seconds,
            check=False,
        )
        self.output = done.stdout.decode(errors="replace")
        self._cwd = Path(where.read_text(encoding="utf-8").strip())
        assert done.returncode == exit_code, f"{text}\nexits with {done.returncode}:\n{self.output}"

    def _serve(self, text: str, terminal: str) -> None:
        if terminal in self.servers:
            self.servers.pop(terminal).stop()
        port = re.search(r"--port[ =](\d+)", text)
        log = self.folder / f"{terminal}.log"
        with log.open("wb") as log_file:
            process = subprocess.Popen(
                ["bash", "-euc", text],
                cwd=self._cwd,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        number = int(port[1] if port else self._port(DEFAULT_PORT))
        self.servers[terminal] = Server(process, number, log)
        self.servers[terminal].wait_ready()

    def _expect(self, text: str, terminal: str) -> None:
        """Each line of `text` is among what was printed, wherever that breaks its lines."""
        for line in text.splitlines():
            wanted = re.compile(
                ".*".join(re.escape(part.strip()) for part in _flat(line).split("..."))
            )
            if terminal:
                server = self.servers[terminal]
                wait_until(
                    lambda: wanted.search(_flat(server.output)),  # noqa: B023 - called at once
                    f"{line!r} in\n{server.output}",
                    seconds=_LOG_SECONDS,
                )
            else:
                assert wanted.search(_flat(self.output)), f"{line!r} is not in\n{self.output}"

    def _port(self, written: str) -> str:
        return self._ports.setdefault(written, str(free_port()))


def _flat(text: str) -> str:
    return " ".join(text.split())
