"""What the images are made from."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scoreserve import __version__

ROOT = Path(__file__).parents[2]
BASE_IMAGES = ROOT / "base-images"
DOCKERFILES = [
    *sorted(ROOT.glob("Dockerfile.*")),
    *sorted(BASE_IMAGES.glob("examples/*/Dockerfile")),
]


def names(requirements: str) -> set[str]:
    """The packages that a requirements file, or a list of dependencies, names."""
    found = re.findall(r"^([A-Za-z0-9._-]+)", requirements, re.MULTILINE)
    return {name.lower().replace("_", "-") for name in found}


def check(program: str, *files: Path) -> None:
    """Has a linter look at files; what it says is the failure."""
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == ""


@pytest.mark.images
class TestLinters:
    @pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: str(path.relative_to(ROOT)))
    def test_hadolint(self, path: Path) -> None:
        check("hadolint", path)

    def test_shellcheck(self) -> None:
        scripts = [path for path in BASE_IMAGES.rglob("*") if path.is_file() and is_shell(path)]
        assert len(scripts) > 5
        check("shellcheck", *scripts)


def is_shell(path: Path) -> bool:
    return path.read_bytes().startswith((b"#!/bin/sh", b"#!/usr/bin/env bash"))


class TestRequirements:
    @pytest.mark.parametrize("kind", ["cpu", "gpu", "server"])
    def test_lock_all_that_the_server_needs(self, kind: str) -> None:
        """If this fails: `make lock`."""
        project = (ROOT / "pyproject.toml").read_text()
        listed = re.search(r"^dependencies = \[(.*?)^\]", project, re.DOTALL | re.MULTILINE)
        assert listed is not None
        wanted = names("\n".join(re.findall(r'"(.*)"', listed[1])))
        assert wanted <= names((BASE_IMAGES / "requirements" / f"{kind}.txt").read_text())

    @pytest.mark.parametrize("kind", ["cpu", "gpu", "server", "wheel"])
    def test_have_hashes(self, kind: str) -> None:
        text = (BASE_IMAGES / "requirements" / f"{kind}.txt").read_text()
        entries = re.split(r"\n(?=[a-z0-9])", text)[1:]
        assert entries
        assert all("--hash=sha256:" in entry for entry in entries)


class TestDockerfiles:
    @pytest.mark.parametrize("kind", ["cpu", "gpu"])
    def test_name_the_servers_version(self, kind: str) -> None:
        """So that a plain `docker build` labels its image right."""
        assert f"ARG VERSION={__version__}\n" in (ROOT / f"Dockerfile.{kind}").read_text()

    def test_are_twins(self) -> None:
        """What one image does and the other not is named here."""
        cpu, gpu = (instructions(ROOT / f"Dockerfile.{kind}") for kind in ("cpu", "gpu"))
        assert cpu - gpu == {
            "COPY base-images/rootfs /",
            "org.opencontainers.image.description="
            '"Serves unchanged Azure ML entry scripts over HTTP, on the CPU."',
        }
        assert gpu - cpu == {
            "COPY base-images/rootfs base-images/rootfs-KIND /",
            "/steps/cuda",
            "NVIDIA_VISIBLE_DEVICES=all",
            "NVIDIA_DRIVER_CAPABILITIES=compute,utility",
            "org.opencontainers.image.description="
            '"Serves unchanged Azure ML entry scripts over HTTP, on NVIDIA GPUs."',
        }


def instructions(path: Path) -> set[str]:
    """The lines of a Dockerfile, where the image's own name is KIND."""
    text = path.read_text().replace(path.suffix[1:], "KIND")
    return {line.removesuffix("\\").strip() for line in text.splitlines() if line[:1] != "#"}
