"""Builds the images of a plan: the environment, once for all deployments that share it, and on it
the service.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scoreserve.deploy.bases import OUR_PREFIX, OUR_TITLE, TITLE_LABEL
from scoreserve.deploy.builders import Builder
from scoreserve.deploy.conda import pythons
from scoreserve.deploy.dockerfile import CONDA_PREFIX
from scoreserve.deploy.plan import Plan
from scoreserve.errors import DeploymentError

_PYTHON = re.compile(r"^version *= *(3\.\d+)", re.MULTILINE)  # in pyvenv.cfg
_SCRATCH = "scoreserve-"
_BUILD_OURS = "base-images/build in a clone of scoreserve makes it: `base-images/build cpu gpu`"


@dataclass(frozen=True)
class Built:
    """An image. `reused`: its environment was there already."""

    image: str
    reused: bool = False


@dataclass(frozen=True)
class Images:
    """What a builder can see of images; it fetches those that are not here."""

    builder: Builder

    def has_server(self, image: str) -> bool | None:
        """Whether an image has our server, by its label; None where it cannot be had."""
        labels = self.builder.labels(image)
        if labels is None and self.builder.pull(image):
            labels = self.builder.labels(image)
        return None if labels is None else labels.get(TITLE_LABEL, "").startswith(OUR_TITLE)

    def python_of(self, image: str, prefix: str = OUR_PREFIX) -> str:
        """The Python of an environment in an image, as `3.13`: that of our server, unless another
        `prefix` is given. Empty where it cannot be seen.
        """
        content = self.builder.read_file(image, f"{prefix}/pyvenv.cfg")
        found = _PYTHON.search((content or b"").decode(errors="replace"))
        return found[1] if found else ""


@dataclass(frozen=True)
class ImageBuild:
    """Builds the images of a plan. `on_step` is told what begins, `on_line` what the builder
    prints.
    """

    plan: Plan
    builder: Builder
    on_step: Callable[[str], None]
    on_line: Callable[[str], None]

    def service(self, image: str) -> Built:
        """Builds what is missing, and names the result `image`. Raises DeploymentError."""
        environment = self.environment()
        self.on_step(f"Building {image}")
        with tempfile.TemporaryDirectory(prefix=_SCRATCH) as scratch:
            folder = _folder(scratch)
            self.plan.lay_out_service(folder)
            text = self.plan.service_dockerfile(environment.image)
            self.builder.build(folder, _dockerfile(scratch, text), image, self.on_line)
        return Built(image, environment.reused)

    def environment(self) -> Built:
        """Builds the environment, unless its image is there. Raises DeploymentError."""
        _require_server(self.plan, self.builder)
        if not self.plan.has_environment:
            return Built(self.plan.base.image, reused=True)
        with tempfile.TemporaryDirectory(prefix=_SCRATCH) as scratch:
            folder = _folder(scratch)
            self.plan.lay_out_environment(folder)
            image = self.plan.environment_name(folder, self.builder.image_id)
            if self.builder.image_id(image) is not None:
                self.on_step(f"The environment's image exists: {image}")
                self._tell_other_python(image)
                return Built(image, reused=True)
            self.on_step(f"Building the environment {image}")
            dockerfile = _dockerfile(scratch, self.plan.environment_dockerfile)
            try:
                self.builder.build(folder, dockerfile, image, self.on_line)
            except DeploymentError as error:
                raise DeploymentError(f"{error}{_python_hint(self.plan)}") from None
            self._tell_other_python(image)
            return Built(image)

    def _tell_other_python(self, image: str) -> None:
        """Says where conda has put another Python into an environment of its own: it warns of that
        among all that the build prints, and not at all where the image is there already.
        """
        its = self.plan.packages
        if its is None or its.document is None or not its.python:
            return
        found = Images(self.builder).python_of(image, CONDA_PREFIX)
        if found and found != its.python:
            self.on_step(
                f"note: {its.source}: python={its.python}: could not be had when the image was"
                f" built: its environment has Python {found} (--strict refuses that)"
            )


def _python_hint(plan: Plan) -> str:
    """What may be the cause where pip cannot install packages; conda says so itself."""
    its = plan.packages
    if its is None or its.document is not None or not its.python:
        return ""
    if pythons.minor_of(its.python) < pythons.OLDEST:
        oldest = ".".join(map(str, pythons.OLDEST))
        remedy = f"or write python={oldest}, the oldest that the server runs on"
    else:
        remedy = "or try --solver conda"
    return (
        f"\n{its.source} asks for python={its.python}, and the image has its own: change the"
        f" versions of the packages, {remedy}"
    )


def _folder(scratch: str) -> Path:
    """An empty one for the build context."""
    folder = Path(scratch) / "context"
    folder.mkdir()
    return folder


def _dockerfile(scratch: str, text: str) -> Path:
    """Beside the context, which it is no part of."""
    path = Path(scratch) / "Dockerfile"
    path.write_text(text, encoding="utf-8")
    return path


def _require_server(plan: Plan, builder: Builder) -> None:
    """Raises DeploymentError where our own image is needed and is not to be had."""
    ours = plan.base.server_image
    needed = plan.base.image == ours or not plan.base.has_server
    if plan.deployment.environment.as_it_is or not needed:
        return
    if builder.image_id(ours) is None and not builder.pull(ours):
        raise DeploymentError(f"{ours}: no such image here or in a registry; {_BUILD_OURS}")
