"""Containers with Docker or podman, by their commands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from tempfile import gettempdir
from typing import Any

from scoreserve.deploy.running.interrupts import deferred
from scoreserve.deploy.running.states import Machine
from scoreserve.errors import DeploymentError

ENGINES = ("docker", "podman")  # the first that works is taken
ENDED = ("exited", "stopped", "dead", "stopping", "removing")
STOP_SECONDS = 35  # the server takes up to 30 to answer what it has
_ASKED_SECONDS = 120  # for a question, on a machine that is busy
_LONGEST_TOLD = 500  # characters
_MOST_PATHS = 500  # of one command line
# Debris of podman where it is no root's and there is no systemd; says nothing about the container.
_LOG_LINE = re.compile(r'^time="[^"]*" level=(?:warning|error) msg=')


@dataclass(frozen=True)
class Container:
    """A container, as the engine describes it."""

    id: str
    name: str
    image: str
    labels: Mapping[str, str]
    status: str  # the engine's word: created, running, exited, ...
    exit_code: int = 0
    out_of_memory: bool = False
    error: str = ""  # why it could not be started
    created: str = ""  # ISO 8601
    started: float | None = None  # seconds since the epoch
    addresses: Mapping[str, str] = field(default_factory=dict)  # by network
    ports: Mapping[int, int] = field(default_factory=dict)  # of the container → of this machine

    @property
    def has_ended(self) -> bool:
        """Whether it ran, and does not any more."""
        return self.status in ENDED


class Engine:
    """One of the programs."""

    def __init__(self, program: str) -> None:
        self.program = program

    # What is there.

    def machine(self) -> Machine:
        """What the machine has that containers run on, which may be another one than this."""
        found = json.loads(self._do("info", "--format", "{{json .}}"))
        host = found.get("host")  # podman's
        if host is not None:
            return Machine(int(host["cpus"]), int(host["memTotal"]))
        return Machine(int(found["NCPU"]), int(found["MemTotal"]))

    def containers(self, labels: Mapping[str, str]) -> list[Container]:
        """Those that have all these labels, running or not; with "" a label may have any value."""
        filters: list[str] = []
        for name, value in labels.items():
            filters += ["--filter", f"label={name}={value}" if value else f"label={name}"]
        ids = self._do("ps", "--all", "--quiet", "--no-trunc", *filters).split()
        if not ids:
            return []
        done = self._run("inspect", "--type", "container", *ids)
        if done.returncode != 0 and not done.stdout.strip():  # one was removed meanwhile
            return []
        return [container_of(each) for each in json.loads(done.stdout)]

    def inspect(self, container: str) -> Container:
        """A container, as it is now. Raises DeploymentError."""
        found = json.loads(self._do("inspect", "--type", "container", container))
        return container_of(found[0])

    # Making and removing.

    def create(self, arguments: Sequence[str]) -> str:
        """Makes a container, with the arguments of `docker create`; its id. Raises
        DeploymentError.
        """
        return self._do("create", *arguments).split()[-1]

    def copy_into(self, container: str, archive: bytes, folder: str = "/") -> None:
        """Unpacks a tar archive in a folder of a container. Raises DeploymentError."""
        self._do("cp", "-", f"{container}:{folder}", stdin=archive)

    def read_file(self, container: str, path: str) -> bytes:
        """A tar archive with a file or a folder of a container, which need not run. Raises
        DeploymentError.
        """
        found: bytes = self._checked(self._run("cp", f"{container}:{path}", "-", text=False)).stdout
        return found

    def remove_files(self, container: str, paths: Sequence[str]) -> None:
        """Removes files of a running container. Raises DeploymentError."""
        for at in range(0, len(paths), _MOST_PATHS):
            some = paths[at : at + _MOST_PATHS]
            self._do("exec", "--user", "0", container, "rm", "-f", "--", *some)

    def start(self, container: str) -> str:
        """Starts a container; what the engine has against it, or nothing. Not in the user's folder:
        podman's conmon leaves a file `oom` where it was started.
        """
        done = self._run("start", container, folder=gettempdir())
        return "" if done.returncode == 0 else _told(done)

    def stop(self, container: str) -> None:
        """SIGTERM, and SIGKILL to one that takes too long."""
        self._run("stop", "--time", str(STOP_SECONDS), container, seconds=STOP_SECONDS + 60)

    def remove(self, containers: Sequence[str]) -> None:
        """Ends them at once and removes them. Raises DeploymentError."""
        if containers:
            self._do("rm", "--force", "--volumes", *containers)

    def signal(self, container: str, name: str) -> None:
        """Sends a signal to process 1. Raises DeploymentError."""
        self._do("kill", "--signal", name, container)

    def execute(self, container: str, command: Sequence[str]) -> str:
        """What a command prints in a running container. Raises DeploymentError."""
        return self._do("exec", container, *command)

    def ensure_network(self, name: str, options: Sequence[str]) -> None:
        """Makes a network, unless it is there. Raises DeploymentError."""
        if self._run("network", "inspect", name).returncode == 0:
            return
        done = self._run("network", "create", *options, name)
        if done.returncode != 0 and self._run("network", "inspect", name).returncode != 0:
            raise DeploymentError(f"{self.program} network create {name}: {_told(done)}")

    def remove_network(self, name: str) -> None:
        """Removes a network, unless containers are on it."""
        self._run("network", "rm", name)

    def connect(self, network: str, container: str) -> None:
        """Puts a container on one more network. Raises DeploymentError."""
        self._do("network", "connect", network, container)

    # Logs.

    def last_lines(self, container: str, lines: int | None) -> str:
        """The end of a container's log, or all of it for None, stdout and stderr as they came. Not
        by `--tail`: podman 4.3 loses lines there that a program wrote in two parts, as an
        unbuffered Python does.
        """
        done = self._run("logs", container, merged=True)
        kept = [line for line in str(done.stdout).splitlines() if not _LOG_LINE.match(line)]
        return "\n".join(kept if lines is None else kept[-lines:])

    def show_log(self, container: str, *, follow: bool) -> int:
        """Prints a container's log on stdout; the exit code of the program."""
        command = [self.program, "logs", *(["--follow"] if follow else []), container]
        return subprocess.run(command, stderr=subprocess.STDOUT, check=False).returncode

    def follow(self, container: str, on_line: Callable[[str], None]) -> Callable[[], None]:
        """Has `on_line` told each line of a container's log, in a thread of its own; what is
        returned ends that.
        """
        process = subprocess.Popen(
            [self.program, "logs", "--follow", container],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                if not _LOG_LINE.match(line):
                    on_line(line.rstrip())

        thread = threading.Thread(target=read, daemon=True)
        thread.start()

        def end() -> None:
            process.terminate()
            process.wait()
            thread.join(1.0)

        return end

    # Running the program.

    def _do(self, *arguments: str, stdin: bytes | None = None) -> str:
        done = self._checked(self._run(*arguments, stdin=stdin, text=stdin is None))
        out: str | bytes = done.stdout
        return (out.decode(errors="replace") if isinstance(out, bytes) else out).strip()

    def _checked(self, done: subprocess.CompletedProcess[Any]) -> subprocess.CompletedProcess[Any]:
        if done.returncode != 0:
            raise DeploymentError(f"{' '.join(done.args[:2])}: {_told(done)}")
        return done

    def _run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        text: bool = True,
        merged: bool = False,
        seconds: float = _ASKED_SECONDS,
        folder: str | None = None,
    ) -> subprocess.CompletedProcess[Any]:
        """Out of reach of Ctrl-C, which is for us: a container is made, or it is not."""
        try:
            with deferred():
                return subprocess.run(
                    [self.program, *arguments],
                    stdin=subprocess.DEVNULL if stdin is None else None,
                    input=stdin,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT if merged else subprocess.PIPE,
                    text=text,
                    errors="replace" if text else None,
                    start_new_session=True,
                    cwd=folder,
                    timeout=seconds,
                    check=False,
                )
        except subprocess.TimeoutExpired:
            raise DeploymentError(
                f"{self.program} {arguments[0]}: no answer within {seconds:.0f} s"
            ) from None


def find(wanted: str = "") -> Engine:
    """The engine that is `wanted`, else the first that works. Raises DeploymentError."""
    for program in (wanted,) if wanted else ENGINES:
        if shutil.which(program) is not None and _works(program):
            return Engine(program)
    raise DeploymentError(
        f"{wanted} is not here, or does not run"
        if wanted
        else "a service runs in a container, with a running Docker or with podman: none is here"
    )


def _works(program: str) -> bool:
    with suppress(subprocess.TimeoutExpired):
        command = [program, "ps", "--quiet"]
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    return False


def _told(done: subprocess.CompletedProcess[Any]) -> str:
    """The last of what a program said on stderr, in one line."""
    stderr = done.stderr if isinstance(done.stderr, str) else done.stderr.decode(errors="replace")
    lines = [line for line in stderr.splitlines() if line.strip() and not _LOG_LINE.match(line)]
    return (
        (lines or ["it failed, and did not say why"])[-1]
        .strip()
        .removeprefix("Error: ")[:_LONGEST_TOLD]
    )


def container_of(document: Mapping[str, Any]) -> Container:
    """What `inspect` says of a container, in Docker's words or podman's."""
    state, config = document["State"], document["Config"]
    networks = document["NetworkSettings"].get("Networks") or {}
    bound = document["HostConfig"].get("PortBindings") or {}
    bound = {**bound, **(document["NetworkSettings"].get("Ports") or {})}
    return Container(
        id=document["Id"],
        name=document["Name"].lstrip("/"),
        image=config["Image"],
        labels=config.get("Labels") or {},
        status=state["Status"],
        exit_code=state.get("ExitCode", 0),
        out_of_memory=bool(state.get("OOMKilled")),
        error=state.get("Error") or "",
        created=document["Created"],
        started=_seconds(state.get("StartedAt", "")),
        addresses={name: each["IPAddress"] for name, each in networks.items() if each["IPAddress"]},
        ports={
            int(port.partition("/")[0]): int(each[0]["HostPort"])
            for port, each in bound.items()
            if each and each[0].get("HostPort")
        },
    )


def _seconds(text: str) -> float | None:
    """Seconds since the epoch of an engine's time; None for the year 1, which stands for never."""
    whole = text[:19]
    if not whole or whole.startswith("0001-"):
        return None
    zone = re.search(r"(Z|[+-]\d\d:\d\d)$", text)
    offset = "+00:00" if zone is None or zone[1] == "Z" else zone[1]
    return datetime.fromisoformat(whole + offset).timestamp()


def seconds_since(started: float | None) -> float:
    """How long ago that was, by this machine's clock; 0 for never."""
    return 0.0 if started is None else max(0.0, time.time() - started)
