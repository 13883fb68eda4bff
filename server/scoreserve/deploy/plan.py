"""What becomes of a deployment: its base, its packages, its Dockerfiles, its build contexts.

Nothing is built here. What is not in the files, such as whether an image has our server, is asked
of whoever knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from scoreserve import __version__
from scoreserve.deploy import content_hash, context, dockerfile
from scoreserve.deploy import packages as package_files
from scoreserve.deploy.bases import Base, base_of
from scoreserve.deploy.deployment import Deployment
from scoreserve.deploy.packages import Packages, packages


@dataclass(frozen=True)
class Choices:
    """What the command line says about the image."""

    base_image: str = ""  # instead of what the files say
    server_image: str = ""  # our own image; default scoreserve:cpu or scoreserve:gpu
    gpu: bool = False
    solver: str = "auto"
    strict: bool = False  # refuse where else there would be a note


@dataclass(frozen=True)
class Plan:
    """What to build. `notes` are for the author of the files."""

    deployment: Deployment
    base: Base
    packages: Packages | None
    notes: tuple[str, ...]

    @property
    def has_environment(self) -> bool:
        """Whether the environment is more than an image that there is already."""
        return self.environment_dockerfile != f"FROM {self.base.image}\n"

    @property
    def environment_dockerfile(self) -> str:
        """That of the environment alone."""
        return dockerfile.environment(self.deployment, self.base, self.packages)

    def service_dockerfile(self, environment_image: str) -> str:
        """That of the service, on its environment."""
        return dockerfile.service(self.deployment, self.base, environment_image)

    def dockerfile(self, made_from: str) -> str:
        """One for all of it; `made_from` are the names of the files it comes from."""
        return dockerfile.whole(self.deployment, self.base, self.packages, made_from)

    def lay_out_environment(self, folder: Path, without: Path | None = None) -> None:
        """Writes the context of the environment; for `without` see `context.lay_out_service`.
        Raises DeploymentError.
        """
        context.lay_out_base(folder, self.deployment.environment.context, without)
        if self.packages is not None:
            package_files.lay_out(folder / dockerfile.ENVIRONMENT, self.packages)

    def lay_out_service(self, folder: Path, without: Path | None = None) -> None:
        """Writes the context of the service; for `without` see `context.lay_out_service`. Raises
        DeploymentError.
        """
        context.lay_out_service(folder, self.deployment, without)

    def environment_name(self, folder: Path, image_id: Callable[[str], str | None]) -> str:
        """The name of the environment's image, whose context lies in the folder; `image_id` knows
        the digests of images.
        """
        its, base = self.deployment.environment, self.base
        parts: Mapping[str, Any] = {
            "base": image_id(base.bottom) or base.bottom,
            "dockerfile": base.dockerfile,
            "server": None if base.has_server else image_id(base.server_image) or base.server_image,
            "version": __version__,
            "steps": its.steps,
            "recipe": _without_comments(self.environment_dockerfile),
            "channels": [] if self.packages is None else self.packages.channels,
            "conda": _conda(self.packages),
            "files": content_hash.files_in(folder),
        }
        return content_hash.image_name(parts)


def _without_comments(text: str) -> list[str]:
    """The lines of a Dockerfile less its comments, which name files."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def _conda(its: Packages | None) -> object:
    return None if its is None or its.document is None else its.document.get("dependencies")


class KnowsImages(Protocol):
    """Who can look into images: `building.Images`."""

    def has_server(self, image: str) -> bool | None:
        """Whether an image has our server; None where nobody knows."""

    def python_of(self, image: str) -> str:
        """The Python of an image that has our server, as `3.13`; empty where nobody knows."""


class KnowsNothing:
    """Where there is nobody to ask: images are told by their names."""

    def has_server(self, image: str) -> bool | None:
        """Nobody knows."""

    def python_of(self, image: str) -> str:
        """Nobody knows."""
        return ""


def plan(deployment: Deployment, choices: Choices, images: KnowsImages) -> Plan:
    """What to build for a deployment. Raises DeploymentError."""
    its = deployment.environment
    if choices.gpu:
        its = replace(its, gpu=True)
    base = base_of(
        its,
        override=choices.base_image,
        server_image=choices.server_image,
        has_server=images.has_server,
    )
    installed = None
    if its.conda is not None:
        is_ours = base.has_server and bool(base.image)
        installed = packages(
            its.conda,
            choices.solver,
            strict=choices.strict,
            image_python=images.python_of(base.image) if is_ours else "",
        )
        its = replace(its, variables={**installed.variables, **its.variables})
    notes = [*deployment.notes, base.note, *(installed.notes if installed else ())]
    return Plan(
        replace(deployment, environment=its),
        base,
        installed,
        tuple(dict.fromkeys(note for note in notes if note)),
    )
