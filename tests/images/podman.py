"""Builds on the images and runs containers of them with podman; talks to a published port."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers import GATES, Reply, read_reply, wait_until

APP_ROOT = "/var/azureml-app"
DEADLINE_SECONDS = 120.0  # far beyond what a slow and busy machine needs
RUNSVDIR = ("runsvdir", "/var/runit")  # the CMD that Azure ML tools set
STOP_SECONDS = 10  # what `docker stop` gives a container before it kills it

CONFIGURATION = Path(__file__).with_name("containers.conf")
BUILD = ("--format", "docker", "--layers", "--isolation", "chroot", "--network", "host")


def podman(*arguments: str, check: bool = True) -> str:
    """What podman prints on stdout. Raises AssertionError, with all it said, when it fails."""
    done = _podman(arguments)
    assert not check or done.returncode == 0, f"podman {arguments}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def _podman(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["podman", *arguments],
        env={**os.environ, "CONTAINERS_CONF": str(CONFIGURATION)},
        cwd=tempfile.gettempdir(),  # where conmon notes that a container ran out of memory
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        timeout=600,
        check=False,
    )


def build(directory: Path, tag: str, *options: str) -> str:
    """Builds the Dockerfile in a directory, which trusts what this machine trusts."""
    if "SSL_CERT_FILE" in os.environ:
        bundle = f"{os.environ['SSL_CERT_FILE']}:/etc/ssl/certs/ca-certificates.crt:ro"
        options += ("--volume", bundle)
    podman("build", *BUILD, *options, "--tag", tag, str(directory))
    return tag


def configuration(image: str) -> dict[str, Any]:
    """What is known of an image: its `Config`, its `Size` in bytes, its layers."""
    found: dict[str, Any] = json.loads(podman("image", "inspect", image))[0]
    return found


@dataclass
class Container:
    """A started container; perhaps not ready, perhaps ended already."""

    id: str
    directory: Path  # its AML_APP_ROOT, on this machine

    # Talking to it.

    @property
    def port(self) -> int:
        """The port of this machine where its port 5001 is published."""
        return int(podman("port", self.id, "5001/tcp").rpartition(":")[2])

    def request(self, method: str, path: str, body: str | None = None) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
        with contextlib.closing(connection):
            connection.request(method, path, body)
            return read_reply(connection)

    def score(self, body: str) -> Reply:
        return self.request("POST", "/score", body)

    def start_score(self, body: str) -> Future[Reply]:
        """A request that is under way."""
        pool = ThreadPoolExecutor(1)
        future = pool.submit(self.score, body)
        pool.shutdown(wait=False)
        return future

    def wait_healthy(self) -> None:
        wait_until(
            self.answers_200,
            "the container is healthy",
            unless=self._ended,
            seconds=DEADLINE_SECONDS,
        )

    def answers_200(self) -> bool:
        try:
            return self.request("GET", "/").status == 200
        except (OSError, http.client.HTTPException):
            return False

    # Meeting its script at a gate of tests.servers.

    def open(self, gate: str) -> None:
        (self.directory / f"{gate}.open").touch()

    def wait_reached(self, gate: str) -> None:
        reached = self.directory / f"{gate}.reached"
        wait_until(
            reached.exists,
            f"the script reaches {gate}",
            unless=self._ended,
            seconds=DEADLINE_SECONDS,
        )

    # Watching it.

    @property
    def logs(self) -> str:
        """stdout and stderr so far."""
        done = _podman(("logs", self.id))
        return done.stdout + done.stderr

    def wait_logged(self, text: str) -> None:
        wait_until(
            lambda: text in self.logs,
            f"logged: {text}",
            unless=self._ended,
            seconds=DEADLINE_SECONDS,
        )

    def check_health(self) -> bool:
        """Runs the image's health check, as engines do every now and then."""
        return _podman(("healthcheck", "run", self.id)).returncode == 0

    def wait_check_passes(self) -> None:
        wait_until(
            self.check_health,
            "a health check passes",
            unless=self._ended,
            seconds=DEADLINE_SECONDS,
        )

    @property
    def health(self) -> str:
        """What the engine makes of the health checks so far."""
        return self.inspect("{{.State.Health.Status}}")

    def inspect(self, template: str) -> str:
        return podman("inspect", "--format", template, self.id)

    def run(self, *command: str, check: bool = True) -> str:
        """Runs a command inside; its stdout."""
        return podman("exec", self.id, *command, check=check)

    def exit_code(self, *command: str) -> int:
        """Runs a command inside; its exit code."""
        return _podman(("exec", self.id, *command)).returncode

    def process(self, pid: int) -> str:
        """The command line of one of its processes."""
        return self.run("cat", f"/proc/{pid}/cmdline").replace("\0", " ")

    def _ended(self) -> str | None:
        state = self.inspect("{{.State.Status}}")
        return None if state in ("created", "running") else f"the container {state}:\n{self.logs}"

    # Ending it.

    def signal(self, name: str) -> None:
        podman("kill", "--signal", name, self.id)

    def stop(self) -> int:
        """Ends it as `docker stop` does. Its exit code; 137 when SIGTERM was not enough."""
        podman("stop", "--time", str(STOP_SECONDS), self.id)
        return self.wait_exit()

    def wait_exit(self) -> int:
        """Its exit code."""
        wait_until(
            lambda: self.inspect("{{.State.Status}}") == "exited",
            "the container ends",
            seconds=DEADLINE_SECONDS,
        )
        return int(self.inspect("{{.State.ExitCode}}"))


@contextlib.contextmanager
def run(
    image: str,
    directory: Path,
    *command: str,
    files: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    options: Sequence[str] = (),
    mount: bool = True,
) -> Iterator[Container]:
    """Starts a container, with `directory` and these files in it mounted as its AML_APP_ROOT.

    Does not wait for it; in the end it is removed.
    """
    for name, text in {"gates.py": GATES, **(files or {})}.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    directory.chmod(0o777)  # whatever uid the script has, it may say which gate it has reached
    arguments = ["--publish", "127.0.0.1::5001", *options]
    if mount:
        arguments += ["--volume", f"{directory}:{APP_ROOT}"]
    for name, value in (env or {}).items():
        arguments += ["--env", f"{name}={value}"]
    container = Container(podman("run", "--detach", *arguments, image, *command), directory)
    try:
        yield container
    finally:
        podman("rm", "--force", "--time", "0", container.id)


def run_once(image: str, *command: str, options: Sequence[str] = ()) -> str:
    """What a command prints in a container of its own."""
    return podman("run", "--rm", *options, image, *command)
