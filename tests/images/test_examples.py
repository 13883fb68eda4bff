"""The Dockerfiles a user would write, built FROM the images and scored."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.images import podman
from tests.images.conftest import CPU, GPU
from tests.images.podman import build, configuration
from tests.wheels import write_greetings

pytestmark = pytest.mark.images

EXAMPLES = Path(__file__).parents[2] / "base-images" / "examples"


def scored(image: str, body: str, directory: Path) -> object:
    """What the image, run as it is, answers to a request."""
    with podman.run(image, directory, mount=False) as container:
        container.wait_healthy()
        reply = container.score(body)
        assert container.stop() == 0
        return reply.json()


class TestExamples:
    @pytest.mark.parametrize("base", [CPU, GPU])
    def test_copy(self, tmp_path: Path, base: str) -> None:
        image = build(EXAMPLES / "copy", "scoreserve-example-copy", "--build-arg", f"IMAGE={base}")
        assert scored(image, '{"data": [[1, 2], [0, 0]]}', tmp_path) == [8.5, 0.5]

    def test_only_what_changed_is_built_anew(self, tmp_path: Path) -> None:
        context = shutil.copytree(EXAMPLES / "copy", tmp_path / "context")
        first = build(context, "scoreserve-example-first")
        (context / "score.py").write_text("def init(): pass\ndef run(data): return 'changed'\n")
        second = build(context, "scoreserve-example-second")
        ours, before, after = (layers(name) for name in (CPU, first, second))
        assert before[:-1] == after[:-1]  # the model's layer too
        assert before[: len(ours)] == ours
        assert scored(second, "", tmp_path) == "changed"

    def test_requirements(self, tmp_path: Path) -> None:
        image = build(EXAMPLES / "requirements", "scoreserve-example-requirements")
        body = '{"data": [{"a": 1, "b": 2}, {"a": 3, "b": 4}]}'
        assert scored(image, body, tmp_path) == {"a": 4, "b": 6}
        left = podman.run_once(image, "sh", "-c", "which uv; ls -A /home/dockeruser/.cache; true")
        assert left == ""

    def test_private_wheels(self, tmp_path: Path) -> None:
        context = shutil.copytree(EXAMPLES / "private-wheels", tmp_path / "context")
        write_greetings(context / "wheels")
        image = build(context, "scoreserve-example-private")
        assert scored(image, "you", tmp_path) == "Hello, you!"

    def test_custom_base(self, tmp_path: Path) -> None:
        base = company_base(tmp_path / "base")
        build_args = ("--build-arg", f"BASE_IMAGE={base}")
        image = build(EXAMPLES / "custom-base", "scoreserve-example-custom", *build_args)
        assert scored(image, "", tmp_path) == {"environment": "/opt/model-env"}


def layers(image: str) -> list[str]:
    """The layers of an image, from its base up."""
    found: list[str] = configuration(image)["RootFS"]["Layers"]
    return found


def company_base(context: Path) -> str:
    """A base that is not ours: it has Python."""
    context.mkdir()
    (context / "Dockerfile").write_text(
        "FROM debian:trixie-slim\n"
        "RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv\n"
    )
    # Without this machine's certificates: the package that owns the bundle is installed here.
    podman.podman("build", *podman.BUILD, "--tag", "scoreserve-example-company", str(context))
    return "scoreserve-example-company"
