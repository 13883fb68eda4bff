"""Docker's API for the SDKs, a registry that has our image, and a workspace for the SDK of v1."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.images.conftest import CPU
from tests.images.podman import podman
from tests.images.sdk.docker_api import docker_api
from tests.images.sdk.registry import registry
from tests.images.sdk.workspace.serving import workspace

ROOT = Path(__file__).parents[3]
ENVIRONMENTS = ROOT / ".venv-sdks"
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Docker:
    """The URL of its API, the registry that it can reach, and our image's name there."""

    host: str
    registry: str
    image: str


@dataclass(frozen=True)
class Sdk:
    """An SDK's environment, and the image as it is called in the registry."""

    python: Path
    docker_host: str
    image: str
    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def run(self, client: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Runs one of the clients with it."""
        environ = {
            **os.environ,
            "DOCKER_HOST": self.docker_host,
            "HOME": str(self.home),
            "AZURE_CORE_COLLECT_TELEMETRY": "0",
            **self.environ,
        }
        environ.pop("HOSTNAME", None)  # by which azureml-core looks for a container around it
        return subprocess.run(
            [self.python, "-m", f"tests.images.sdk.clients.{client}", *words],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )


@pytest.fixture(scope="package")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    folder = tmp_path_factory.mktemp("docker")
    with ExitStack() as stack:
        address = stack.enter_context(registry(f"localhost/{CPU}", folder / "image"))
        url = stack.enter_context(docker_api(folder, address))
        yield Docker(url, address, f"{address}/{CPU}")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Where the SDKs leave files."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def azure_ai_ml(docker: Docker, home: Path) -> Sdk:
    """The SDK of v2."""
    return Sdk(_python("azure-ai-ml"), docker.host, docker.image, home)


@pytest.fixture
def azureml_core(docker: Docker, home: Path, tmp_path: Path) -> Iterator[Sdk]:
    """The SDK of v1, with a workspace in which nothing is registered."""
    python = _python("azureml-core")
    credentials = {"address": docker.registry, "username": "anyone", "password": "any"}
    with workspace(tmp_path, docker.image, credentials) as served:
        yield Sdk(python, docker.host, docker.image, home, served.environ)
    left = podman("ps", "--all", "--quiet", "--filter", "label=amlServiceName").split()
    if left:
        podman("rm", "--force", "--time", "0", *left)


def _python(sdk: str) -> Path:
    python = ENVIRONMENTS / sdk / "bin" / "python"
    assert python.exists(), f"no {python}: `make image-test` makes it"
    return python
