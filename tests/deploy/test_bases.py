"""What an image is built on."""

from __future__ import annotations

import pytest

from scoreserve.deploy.bases import Base, base_of, last_image
from scoreserve.deploy.deployment import Environment


def chosen(
    environment: Environment,
    *,
    override: str = "",
    server_image: str = "",
    has_server: bool | None = None,
) -> Base:
    return base_of(
        environment,
        override=override,
        server_image=server_image,
        has_server=lambda _image: has_server,
    )


@pytest.mark.parametrize(
    ("image", "gpu", "ours"),
    [
        ("", False, "scoreserve:cpu"),
        ("", True, "scoreserve:gpu"),
        ("mcr.microsoft.com/azureml/minimal-py312-inference:latest", False, "scoreserve:cpu"),
        (
            "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04",
            False,
            "scoreserve:gpu",
        ),
        ("azureml/base-gpu", False, "scoreserve:gpu"),
        ("azureml/base", True, "scoreserve:gpu"),
    ],
)
def test_ours_stands_for_none_and_for_azure_s(image: str, gpu: bool, ours: str) -> None:
    found = chosen(Environment(image=image, gpu=gpu))
    assert (found.image, found.has_server) == (ours, True)
    assert found.note.startswith(f"{image}: {ours} in its place") if image else not found.note


def test_azure_s_is_kept_by_request() -> None:
    image = "mcr.microsoft.com/azureml/base"
    found = chosen(Environment(image=image), override=image)
    assert (found.image, found.has_server, found.note) == (image, False, "")


@pytest.mark.parametrize(
    ("image", "label", "has_server"),
    [
        ("team/a", None, False),
        ("team/a", True, True),
        ("scoreserve:cpu", None, True),
        ("r.io:5000/x/scoreserve:1", None, True),
        ("scoreserve:mine", False, False),
    ],
)
def test_the_server_is_there_by_label_or_else_by_name(
    image: str, label: bool | None, has_server: bool
) -> None:
    found = chosen(Environment(image=image), has_server=label)
    assert (found.image, found.has_server) == (image, has_server)


def test_the_server_comes_from_the_image_that_is_named() -> None:
    found = chosen(Environment(image="team/a"), server_image="r.io/scoreserve:2")
    assert found.server_image == "r.io/scoreserve:2"


@pytest.mark.parametrize(
    ("dockerfile", "image"),
    [
        ("FROM a\n", "a"),
        ("# FROM x\nFROM --platform=linux/amd64 a:1 AS one\nRUN true\nfrom b", "b"),
        ("FROM a AS one\nFROM b\nFROM One AS two\nFROM two\n", "a"),
        ("ARG BASE=a:1\nFROM ${BASE}\n", "a:1"),
        ("ARG TAG=1\nFROM a:$TAG\n", "a:1"),
        ("FROM ${BASE:-a}\n", "a"),
        ("RUN nothing\n", ""),
    ],
)
def test_what_a_dockerfile_ends_on(dockerfile: str, image: str) -> None:
    assert last_image(dockerfile) == image
