"""Building by the commands of Docker, podman and buildah: stand-ins for them record how."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from scoreserve.deploy import builders
from scoreserve.deploy.builders import Builder
from scoreserve.deploy.building import ImageBuild, Images
from scoreserve.deploy.deployment import CondaFile, Deployment, Environment
from scoreserve.deploy.plan import Choices, plan
from scoreserve.errors import DeploymentError

RECORDING = """#!/bin/sh
echo "$@" >> "$RECORD"
case "$1" in
  info) exit "${INFO:-0}" ;;
  inspect) cat "$IMAGES/$(echo "$4" | tr '/:' '__')" 2> /dev/null ;;
  pull) exit 1 ;;
  create) [ "$8" != none ] ;;
  cp) printf 'home = /usr/bin\nversion = 3.12.5\n' > "$3" ;;
  build) echo "STEP 1"; echo "a problem" >&2; exit "${BUILD:-0}" ;;
esac
"""


class Programs:
    """Stand-ins on PATH, the images that they know, and how they were called."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.bin = folder / "bin"
        self.images = folder / "images"
        self._record = folder / "record"
        for each in (self.bin, self.images):
            each.mkdir()

    def add(self, name: str) -> None:
        (self.bin / name).write_text(RECORDING)
        (self.bin / name).chmod(0o755)

    def add_image(self, name: str, about: object) -> None:
        file = name.replace("/", "_").replace(":", "_")
        (self.images / file).write_text(json.dumps(about))

    @property
    def calls(self) -> list[str]:
        return self._record.read_text().splitlines() if self._record.exists() else []


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    found = Programs(tmp_path)
    monkeypatch.setenv("PATH", f"{found.bin}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.setattr("shutil.which", lambda name: _which(found, name))
    monkeypatch.setenv("RECORD", str(tmp_path / "record"))
    monkeypatch.setenv("IMAGES", str(found.images))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/none")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    return found


def _which(programs: Programs, name: str) -> str | None:
    path = programs.bin / name
    return str(path) if path.exists() else None


def test_the_first_that_works_is_taken(programs: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.add("buildah")
    assert builders.find() == Builder("buildah")
    programs.add("podman")
    assert builders.find() == Builder("podman")
    programs.add("docker")
    assert builders.find() == Builder("docker")
    monkeypatch.setenv("INFO", "1")  # no daemon
    assert builders.find() == Builder("podman")


def test_without_any_it_is_told_what_there_is_to_do(programs: Programs) -> None:
    with pytest.raises(DeploymentError, match="--output DIR --context-only"):
        builders.find()
    with pytest.raises(DeploymentError, match="podman is not here, or does not run"):
        builders.find("podman")


def test_an_image_is_looked_into(programs: Programs) -> None:
    programs.add("podman")
    labels = {"org.opencontainers.image.title": "scoreserve-cpu"}
    programs.add_image("a:1", [{"Id": "sha256:1", "Config": {"Labels": labels}}])
    programs.add_image("b:1", [{"Id": "sha256:2", "Config": {"Labels": None}}])
    builder = Builder("podman")
    assert (builder.image_id("a:1"), builder.image_id("none")) == ("sha256:1", None)
    assert builder.labels("a:1") == labels
    assert [Images(builder).has_server(image) for image in ("a:1", "b:1", "none")] == [
        True,
        False,
        None,
    ]
    assert "pull --quiet none" in programs.calls


def test_the_python_of_an_image_is_read(programs: Programs) -> None:
    for program in ("podman", "buildah"):
        programs.add(program)
    images = Images(Builder("podman"))
    assert (images.python_of("a:1"), images.python_of("none")) == ("3.12", "")
    assert Images(Builder("buildah")).python_of("a:1") == ""
    create, copy, remove, *_ = [call.split() for call in programs.calls]
    assert copy[1].startswith(f"{create[2]}:/")
    assert remove == ["rm", "--force", create[2]]


def test_a_look_into_an_image_that_is_interrupted_leaves_no_container(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def interrupted(_self: Builder, *arguments: str) -> None:
        calls.append(arguments)
        if arguments[0] == "create":
            raise KeyboardInterrupt

    monkeypatch.setattr(Builder, "_run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Builder("podman").read_file("a:1", "/file")
    create, remove = calls
    assert remove == ("rm", "--force", create[create.index("--name") + 1])


def test_buildah_tells_the_same_in_its_own_words(programs: Programs) -> None:
    programs.add("buildah")
    labels = {"a": "b"}
    programs.add_image("a", {"FromImageID": "1", "OCIv1": {"config": {"Labels": labels}}})
    assert Builder("buildah").image_id("a") == "1"
    assert Builder("buildah").labels("a") == labels


@pytest.mark.parametrize("program", ["docker", "podman", "buildah"])
def test_a_build_is_told_line_by_line(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    programs.add(program)
    (tmp_path / "pip.conf").touch()
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    lines: list[str] = []
    Builder(program).build(tmp_path, tmp_path / "Dockerfile", "x:1", lines.append)
    assert set(lines) == {"STEP 1", "a problem"}
    (call,) = programs.calls
    assert call.endswith(
        f"--secret id=pip.conf,src={tmp_path}/pip.conf"
        f" --file {tmp_path}/Dockerfile --tag x:1 {tmp_path}"
    )
    assert ("--format docker" in call) is (program != "docker")


def test_a_build_that_fails_is_told_with_its_last_lines(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.add("podman")
    monkeypatch.setenv("BUILD", "7")
    with pytest.raises(DeploymentError) as caught:
        Builder("podman").build(tmp_path, tmp_path / "Dockerfile", "x:1", lambda _line: None)
    assert str(caught.value).startswith("x:1 could not be built: podman ended with 7\n")
    assert "    a problem" in str(caught.value)


class TestPythonOfAnEnvironment:
    """It asks for one Python; the stand-in's images have 3.13, and in environments 3.12."""

    def build(
        self, programs: Programs, asked: str, choices: Choices, *, is_there: bool = False
    ) -> list[str]:
        """The steps of a build; podman has its image already where it `is_there`."""
        programs.add("podman")
        programs.add_image("scoreserve:cpu", [{"Id": "sha256:1"}])
        conda = CondaFile({"dependencies": [f"python={asked}"]}, Path("/"), "conda.yml")
        deployment = Deployment("mnist", environment=Environment(conda=conda))
        builder, steps = Builder("podman"), list[str]()
        build = ImageBuild(
            plan(deployment, choices, Images(builder)), builder, steps.append, lambda _line: None
        )
        if is_there:
            programs.add_image(build.environment().image, [{"Id": "sha256:2"}])
            steps.clear()
        build.environment()
        return steps

    @pytest.mark.parametrize("is_there", [False, True])
    def test_another_than_was_asked_for_is_told(self, programs: Programs, is_there: bool) -> None:
        steps = self.build(programs, "3.11", Choices(solver="conda"), is_there=is_there)
        assert steps[1:] == [
            "note: conda.yml: python=3.11: could not be had when the image was built: its"
            " environment has Python 3.12 (--strict refuses that)"
        ]

    def test_the_one_that_was_asked_for_is_not(self, programs: Programs) -> None:
        assert len(self.build(programs, "3.12", Choices(solver="conda"))) == 1

    @pytest.mark.parametrize(
        ("asked", "remedy"),
        [("3.8", "or write python=3.10, the oldest"), ("3.11", "or try --solver conda")],
    )
    def test_where_pip_fails_it_may_be_the_cause(
        self, programs: Programs, monkeypatch: pytest.MonkeyPatch, asked: str, remedy: str
    ) -> None:
        monkeypatch.setenv("BUILD", "1")
        with pytest.raises(DeploymentError) as caught:
            self.build(programs, asked, Choices(solver="pip"))
        assert f"conda.yml asks for python={asked}" in str(caught.value)
        assert remedy in str(caught.value)
