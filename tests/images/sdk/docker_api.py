"""Docker's API, as podman has it: what the SDKs call through docker-py."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.images.podman import CONFIGURATION
from tests.servers import wait_until

_INSECURE = """\
unqualified-search-registries = ["docker.io"]

[[registry]]
location = "{registry}"
insecure = true
"""


@contextmanager
def docker_api(folder: Path, registry: str) -> Iterator[str]:
    """Serves the API on a socket in the folder; its URL. The registry is one without TLS."""
    registries, socket = folder / "registries.conf", folder / "podman.sock"
    registries.write_text(_INSECURE.format(registry=registry))
    environ = {
        **os.environ,
        "CONTAINERS_CONF": str(CONFIGURATION),
        "CONTAINERS_REGISTRIES_CONF": str(registries),
        "BUILDAH_ISOLATION": "chroot",
    }
    url = f"unix://{socket}"
    with (folder / "podman.log").open("w") as log:
        command = ["podman", "system", "service", "--time", "0", url]
        service = subprocess.Popen(
            command, env=environ, cwd=tempfile.gettempdir(), stdout=log, stderr=log
        )
    try:
        wait_until(socket.exists, "podman serves Docker's API")
        yield url
    finally:
        service.terminate()
        service.wait()
