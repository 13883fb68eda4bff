"""The commands of the MNIST tutorial, with those that need Docker."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.fences import fences
from tests.docs.reader import Reader
from tests.images import podman
from tests.images.test_services import project_in
from tests.servers import clean_environment

pytestmark = pytest.mark.images

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/guides/mnist.md"


def test_what_the_tutorial_says_is_so(tmp_path: Path) -> None:
    environ = {**clean_environment(), "CONTAINERS_CONF": str(podman.CONFIGURATION)}
    reader = Reader(
        tmp_path, environ, has=frozenset({"Docker"}), seconds=5 * podman.DEADLINE_SECONDS
    )
    example = shutil.copytree(ROOT / "examples/mnist", tmp_path / "work/examples/mnist")
    try:
        with project_in(example.resolve()) as project:
            for fence in fences(PAGE):
                reader.follow(fence)
            assert not project.containers
    finally:
        reader.close()
