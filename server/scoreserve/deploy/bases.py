"""What an image is built on: our own image, one that has our server, or one that gets it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from scoreserve.deploy.deployment import Environment

OUR_IMAGE = "scoreserve"  # its tags are cpu and gpu
OUR_PREFIX = "/opt/scoreserve/env"
OUR_TITLE = "scoreserve-"  # begins the label TITLE_LABEL of our images, and of those built on them
TITLE_LABEL = "org.opencontainers.image.title"

# Azure's own bases. Their place is ours: they bring what the server needs.
_AZURE_S = re.compile(r"(mcr\.microsoft\.com/)?azureml/", re.IGNORECASE)
_WITH_CUDA = re.compile(r"cuda|gpu", re.IGNORECASE)
_FROM = re.compile(
    r"^\s*FROM\s+(?:--\S+\s+)*(?P<image>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_ARG = re.compile(r"^\s*ARG\s+(?P<name>\w+)=(?P<value>\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?(?P<name>\w+)(?::-(?P<default>[^}]*))?\}?")


@dataclass(frozen=True)
class Base:
    """What is built on: an image, or a Dockerfile's text. `has_server`: one of ours, or built on
    one. `server_image` is where the others get the server from.
    """

    image: str = ""
    dockerfile: str = ""
    has_server: bool = True
    server_image: str = OUR_IMAGE
    note: str = ""  # for the author of the files

    @property
    def bottom(self) -> str:
        """The image that all is built on, in the end."""
        return last_image(self.dockerfile) if self.dockerfile else self.image


def base_of(
    environment: Environment,
    *,
    override: str,
    server_image: str,
    has_server: Callable[[str], bool | None],
) -> Base:
    """What to build the environment on. `override` counts more than what the files say, where it is
    not empty; `server_image` is our own image, by default the one for CPUs or for GPUs.
    `has_server` knows whether an image has our server, or None.
    """
    written = override or environment.image
    gpu = environment.gpu or bool(_AZURE_S.match(written) and _WITH_CUDA.search(written))
    ours = server_image or f"{OUR_IMAGE}:{'gpu' if gpu else 'cpu'}"
    if environment.dockerfile and not override:
        last = last_image(environment.dockerfile)
        return Base("", environment.dockerfile, _knows(last, ours, has_server), ours)
    if not written:
        return Base(ours, server_image=ours)
    if _AZURE_S.match(written) and not override:
        note = f"{written}: {ours} in its place, which serves as that does (--base-image keeps it)"
        return Base(ours, server_image=ours, note=note)
    return Base(written, "", _knows(written, ours, has_server), ours)


def last_image(dockerfile: str) -> str:
    """The image that the last stage of a Dockerfile is built on, through stages of its own."""
    defaults = {found["name"]: found["value"] for found in _ARG.finditer(dockerfile)}
    stages: dict[str, str] = {}
    image = ""
    for found in _FROM.finditer(dockerfile):
        image = _VARIABLE.sub(
            lambda each: defaults.get(each["name"], each["default"] or ""), found["image"]
        )
        image = stages.get(image.lower(), image)
        if found["stage"]:
            stages[found["stage"].lower()] = image
    return image


def _knows(image: str, ours: str, has_server: Callable[[str], bool | None]) -> bool:
    """Whether an image has our server; by its name, where nobody can look into it."""
    known = has_server(image)
    if known is not None:
        return known
    return image == ours or image.rpartition("/")[2].partition(":")[0] == OUR_IMAGE
