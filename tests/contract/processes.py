"""Starts and stops one server process in a directory of its own.

Both servers of a case get the same files, environment and flags; only the directory's last name and
the ports differ, and `placeholders` hides those from every comparison.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

from .case_files import ServerSpec

START_SECONDS = 90.0  # generous: the machines that run this are small and busy
# gunicorn, of the reference, misses a worker that is being forked, and waits 30 s for it.
STOP_SECONDS = 45.0
POLL_SECONDS = 0.02
PROBE_SECONDS = 5.0


@dataclass(frozen=True)
class Server:
    """A started process, perhaps already gone."""

    process: subprocess.Popen[bytes]
    root: Path
    port: int
    health_port: int
    log: Path

    def output(self, since: int = 0) -> str:
        """stdout and stderr together, from a byte offset on."""
        return hide(self.log.read_bytes()[since:].decode("utf-8", "replace"), self.placeholders)

    @property
    def placeholders(self) -> Mapping[str, str]:
        return {
            str(self.root): "<root>",
            str(self.port): "<port>",
            str(self.health_port): "<health_port>",
        }

    def log_size(self) -> int:
        return self.log.stat().st_size

    def wait_exit(self) -> int | None:
        """The exit code, or None if the server serves instead, or does neither in time."""
        self._wait_exit_or_healthy()
        return self.process.returncode

    def wait_healthy(self) -> str | None:
        """Waits for `GET /` to answer 200; what went wrong, or None."""
        if self._wait_exit_or_healthy():
            return None
        if self.process.returncode is not None:
            return f"exited {self.process.returncode} at start"
        return f"was not healthy after {START_SECONDS:.0f} s"

    def _wait_exit_or_healthy(self) -> bool:
        """Whether it is healthy."""
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            if _is_healthy(self.port):
                return True
            time.sleep(POLL_SECONDS)
        return False

    def stop(self) -> str | None:
        """SIGTERM, then SIGKILL to the whole group; what went wrong, or None."""
        exited_before = self.process.poll()
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return f"still ran {STOP_SECONDS:.0f} s after SIGTERM"
        finally:
            alone = wait_until(lambda: not _group_alive(self.process.pid), STOP_SECONDS)
            _kill_group(self.process.pid)
            self.process.wait()
        if not alone:
            return "left processes behind"
        if exited_before is None and self.process.returncode != 0:
            return f"exited {self.process.returncode} after SIGTERM"
        return None


def hide(text: str, placeholders: Mapping[str, str]) -> str:
    """The text with this run's own paths and ports replaced by their names."""
    for value, name in placeholders.items():
        # Not within a word: a port's digits may stand in a UUID.
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", name, text)
    return text


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def start(
    executable: Path, spec: ServerSpec, home: Path, environment: Mapping[str, str] | None = None
) -> Server:
    """Writes the files under home/app and starts the server there; does not wait for it. The case's
    own variables go before those given here.
    """
    root = home / "app"
    port, health_port = free_port(), free_port()
    values = {"<root>": str(root), "<port>": str(port), "<health_port>": str(health_port)}
    for name, text in spec.files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(hide(text, values), encoding="utf-8")
    log = home / "output.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(executable, spec, values),
            cwd=root / spec.cwd,
            env={**(environment or {}), **_environment(executable, spec, home, values)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its own process group, to be killed as a whole
        )
    return Server(process, root, port, health_port, log)


def _command(executable: Path, spec: ServerSpec, values: Mapping[str, str]) -> list[str]:
    command = [str(executable)]
    if spec.entry_script is not None:
        command += ["--entry_script", spec.entry_script]
    return [*command, "--port", values["<port>"], *(hide(arg, values) for arg in spec.args)]


def _environment(
    executable: Path, spec: ServerSpec, home: Path, values: Mapping[str, str]
) -> dict[str, str]:
    """Nothing of the caller's environment, so that it cannot change a result, but for the path."""
    return {
        "PATH": f"{executable.parent}:{os.defpath}",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **{name: hide(value, values) for name, value in spec.env},
    }


def _is_healthy(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PROBE_SECONDS) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
            return sock.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def _group_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
