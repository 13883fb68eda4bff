"""Builds images with Docker, podman or buildah, by their commands."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoreserve.errors import DeploymentError

BUILDERS = ("docker", "podman", "buildah")  # the first that works is taken
_ASKED_SECONDS = 60  # for a question; a build may take as long as it takes
_TIMED_OUT = 124  # as timeout(1) ends with
_TOLD_LINES = 20  # of what a build that failed has printed
_PIP_CONF = "/etc/pip.conf"
# HEALTHCHECK needs the Docker format. chroot works inside a container too, and needs the host's
# network.
_LIKE_BUILDAH = ("--format", "docker", "--layers", "--network", "host", "--isolation")


@dataclass(frozen=True)
class Builder:
    """One of the programs; `options` are further ones for each of its builds."""

    program: str
    options: tuple[str, ...] = ()

    def answers(self) -> bool:
        """Whether it works on this machine: Docker needs its daemon."""
        return self._run("info").returncode == 0

    def image_id(self, image: str) -> str | None:
        """The digest of an image on this machine, or None where it is not here."""
        found = self._inspected(image)
        if found is None:
            return None
        return str(found.get("Id") or found.get("FromImageID") or "")

    def labels(self, image: str) -> Mapping[str, str] | None:
        """The labels of an image on this machine, or None where it is not here."""
        found = self._inspected(image)
        if found is None:
            return None
        about = found.get("Config") or found.get("OCIv1", {}).get("config") or {}
        labels: Mapping[str, str] | None = about.get("Labels")
        return labels or {}

    def read_file(self, image: str, path: str) -> bytes | None:
        """The content of a file in an image on this machine, or None where there is none; buildah
        has no way to tell.
        """
        if self.program == "buildah":
            return None
        container = f"scoreserve-{uuid.uuid4().hex}"  # known even where Ctrl-C ends `create`
        try:
            named = ("--name", container, "--pull", "never", "--entrypoint", "true", image)
            if self._run("create", *named).returncode != 0:
                return None
            with tempfile.TemporaryDirectory() as folder:
                copy = Path(folder) / "file"
                done = self._run("cp", f"{container}:{path}", str(copy))
                return copy.read_bytes() if done.returncode == 0 else None
        finally:
            self._run("rm", "--force", container)

    def pull(self, image: str) -> bool:
        """Fetches an image from its registry; whether it is here then."""
        return self._run("pull", "--quiet", image, seconds=None).returncode == 0

    def tag(self, image: str, name: str) -> None:
        """Gives an image one more name. Raises DeploymentError."""
        done = self._run("tag", image, name)
        if done.returncode != 0:
            raise DeploymentError(f"{self.program} tag {image} {name}: {done.stderr.strip()}")

    def build(
        self, context: Path, dockerfile: Path, tag: str, on_line: Callable[[str], None]
    ) -> None:
        """Builds an image; `on_line` is told each line that the program prints. Raises
        DeploymentError, with the last lines.
        """
        command = [self.program, "build", *self._options(), *secrets(os.environ)]
        command += [*self.options, "--file", str(dockerfile), "--tag", tag, str(context)]
        last: deque[str] = deque(maxlen=_TOLD_LINES)
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                last.append(line.rstrip())
                on_line(line.rstrip())
        if process.returncode != 0:
            told = "\n".join(f"    {line}" for line in last if line)
            raise DeploymentError(
                f"{tag} could not be built: {self.program} ended with {process.returncode}\n{told}"
            )

    def _options(self) -> tuple[str, ...]:
        if self.program == "docker":
            return ("--progress", "plain")
        return (*_LIKE_BUILDAH, os.environ.get("BUILDAH_ISOLATION", "chroot"))

    def _inspected(self, image: str) -> dict[str, Any] | None:
        done = self._run("inspect", "--type", "image", image)
        if done.returncode != 0:
            return None
        document = json.loads(done.stdout)
        found: dict[str, Any] = document[0] if isinstance(document, list) else document
        return found

    def _run(
        self, *arguments: str, seconds: float | None = _ASKED_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        command = [self.program, *arguments]
        try:
            return subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            told = f"no answer in {seconds} s"
            return subprocess.CompletedProcess(command, _TIMED_OUT, "", told)


def find(wanted: str = "", options: Sequence[str] = ()) -> Builder:
    """The program to build with: the one that is `wanted`, else the first that works. Raises
    DeploymentError.
    """
    for program in (wanted,) if wanted else BUILDERS:
        if shutil.which(program) is None:
            continue
        if program != "docker" or Builder(program).answers():
            return Builder(program, tuple(options))
    raise DeploymentError(
        f"{wanted} is not here, or does not run"
        if wanted
        else "images are built with a running Docker, or podman, or buildah: none is here;"
        " `--output DIR --context-only` writes what they need"
    )


def secrets(environ: Mapping[str, str]) -> list[str]:
    """Options that lend a build pip's configuration and the certificates to trust, as they are on
    this machine: an index of one's own, say. Neither is in the image.
    """
    found = []
    for name, path in (
        ("pip.conf", environ.get("PIP_CONFIG_FILE", _PIP_CONF)),
        ("ca-bundle", environ.get("SSL_CERT_FILE", "")),
    ):
        if os.path.isfile(path):
            found += ["--secret", f"id={name},src={path}"]
    return found
