"""The images under test, which `make images` has built, and containers of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.images import podman
from tests.images.podman import Container

CPU = "scoreserve:cpu"
GPU = "scoreserve:gpu"

ECHO = """
def init(): pass
def run(data): return data
"""


class Run(Protocol):
    """See `tests.images.podman.run`; the directory is the test's own."""

    def __call__(
        self, image: str, *command: str, **options: Any
    ) -> AbstractContextManager[Container]: ...


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a script in a container: `with run(CPU, script=..., env=..., options=...) as it:`."""

    def run(
        image: str, *command: str, script: str = ECHO, **options: Any
    ) -> AbstractContextManager[Container]:
        options["files"] = {"score.py": script, **options.get("files", {})}
        options["env"] = {"AZUREML_ENTRY_SCRIPT": "score.py", **options.get("env", {})}
        return podman.run(image, tmp_path, *command, **options)

    return run


@pytest.fixture(params=[(), podman.RUNSVDIR], ids=["default CMD", "runsvdir"])
def command(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The two ways in which images are started: as they are, and by tools that set the CMD."""
    way: tuple[str, ...] = request.param
    return way


@pytest.fixture(params=[CPU, GPU])
def image(request: pytest.FixtureRequest) -> str:
    """Each image."""
    name: str = request.param
    return name
