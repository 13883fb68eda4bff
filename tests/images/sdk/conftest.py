"""Docker's API for the SDKs, and a registry that has our image."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.images.conftest import CPU
from tests.images.sdk.docker_api import docker_api
from tests.images.sdk.registry import registry

ROOT = Path(__file__).parents[3]
ENVIRONMENTS = ROOT / ".venv-sdks"
LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Sdk:
    """An SDK's environment, and the image as it is called in the registry."""

    python: Path
    docker_host: str
    image: str
    home: Path

    def run(self, client: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs one of the clients with it."""
        return subprocess.run(
            [self.python, "-m", f"tests.images.sdk.clients.{client}", *words],
            cwd=ROOT,
            env={
                **os.environ,
                "DOCKER_HOST": self.docker_host,
                "HOME": str(self.home),
                "AZURE_CORE_COLLECT_TELEMETRY": "0",
                **environ,
            },
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The URL of Docker's API, and our image's name in a registry that it can reach."""
    folder = tmp_path_factory.mktemp("docker")
    with ExitStack() as stack:
        address = stack.enter_context(registry(f"localhost/{CPU}", folder / "image"))
        yield stack.enter_context(docker_api(folder, address)), f"{address}/{CPU}"


@pytest.fixture
def azure_ai_ml(served: tuple[str, str], tmp_path: Path) -> Sdk:
    """The SDK of v2."""
    home = tmp_path / "home"
    home.mkdir()
    python = ENVIRONMENTS / "azure-ai-ml" / "bin" / "python"
    assert python.exists(), f"no {python}: `make image-test` makes it"
    return Sdk(python, *served, home)
