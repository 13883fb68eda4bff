"""`scoreserve package`, up to where an image would be built."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoreserve.cli import commands
from scoreserve.deploy import builders
from scoreserve.deploy.builders import Builder
from scoreserve.errors import DeploymentError
from tests.deploy.sample_deployments import BLUE, MNIST, copy_of


@pytest.fixture
def package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Package:
    monkeypatch.chdir(tmp_path)
    return Package(capsys)


class Package:
    """Runs the command; `out` and `err` are what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: str) -> object:
        """The exit code."""
        with pytest.raises(SystemExit) as caught:
            commands.main(["package", *arguments])
        self.out, self.err = self._capsys.readouterr()
        return caught.value.code


def test_a_context_is_written(package: Package, tmp_path: Path) -> None:
    copy_of(BLUE, tmp_path)
    flags = ("--deployment", "v2-blue/deployment.yml", "--endpoint", "v2-blue/endpoint.yml")
    assert package(*flags, "--output", "new/context", "--context-only") == 0
    context = tmp_path / "new/context"
    assert {path.name for path in context.iterdir()} == {
        *("Dockerfile", "azureml-app", "azureml-models"),
    }
    first = (context / "Dockerfile").read_text().splitlines()[0]
    assert first == "# Made by `scoreserve package` from deployment.yml, endpoint.yml."
    assert "note: deployment.yml: instance_type: ignored: the machine is this one\n" in package.err
    assert package.out == ""


def test_the_image_is_built_in_two(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: dict[str, str] = {}

    class Recording(Builder):
        def image_id(self, image: str) -> str | None:
            return image if image in (*built, "scoreserve:cpu") else None

        def read_file(self, image: str, path: str) -> bytes | None:
            return b"version = 3.11.2"

        def build(self, context: Path, dockerfile: Path, tag: str, on_line: object) -> None:
            assert (context / "azureml-app").exists() is not tag.startswith("azureml/")
            built[tag] = dockerfile.read_text()

    monkeypatch.setattr(builders, "find", lambda _wanted, _options: Recording("buildah"))
    copy_of(MNIST, tmp_path)
    monkeypatch.chdir(tmp_path / "v1-mnist")
    flags = (
        "--ic",
        "inferenceconfig.json",
        "--dc",
        "deploymentconfig.json",
        "-m",
        "m:1=model.json",
    )
    assert package(*flags) == 0
    environment, service = built
    assert environment.startswith("azureml/azureml_")
    assert service == "v1-mnist:latest"
    assert built[service].startswith(f"FROM {environment}\n")
    assert package.out == "podman run --rm -p 6789:5001 v1-mnist:latest\n"

    assert package(*flags, "--tag", "mine:2") == 0
    assert f"The environment's image exists: {environment}\n" in package.err
    assert list(built) == [environment, service, "mine:2"]


def test_without_our_image_it_is_told_how_to_make_it(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Empty(Builder):
        def image_id(self, image: str) -> str | None:
            return None

        def pull(self, image: str) -> bool:
            return False

        def read_file(self, image: str, path: str) -> bytes | None:
            return None

    monkeypatch.setattr(builders, "find", lambda _wanted, _options: Empty("podman"))
    copy_of(BLUE, tmp_path)
    assert package("--deployment", "v2-blue/deployment.yml") == 1
    assert "scoreserve:cpu: no such image here or in a registry; base-images/build" in package.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name one of --inference-config, --deployment and --environment DIR"),
        (["--ic", "a", "--deployment", "b"], "name one of"),
        (["--ic", "a", "--endpoint", "b"], "--endpoint goes with --deployment"),
        (["--deployment", "a", "--dc", "b"], "--deploy-config goes with --inference-config"),
        (["--ic", "a", "--es", "b"], "--entry-script goes with --environment DIR"),
        (["--ic", "a", "--context-only"], "--context-only goes with --output DIR"),
        (["--ic", "a", "--solver", "magic"], "invalid choice: 'magic'"),
        (["--ic", "a", "--modle", "b"], "no flag --modle: did you mean --model?"),
    ],
)
def test_flags_that_do_not_go_together(package: Package, arguments: list[str], told: str) -> None:
    assert package(*arguments) == 2
    assert told in package.err
    assert package.err.count("\n") == 1


def test_what_is_wrong_with_a_file_is_one_line(package: Package) -> None:
    assert package("--ic", "none.json", "--output", "context", "--context-only") == 1
    assert package.err == "scoreserve package: none.json: No such file or directory\n"


def test_a_folder_with_something_in_it_is_left_alone(package: Package, tmp_path: Path) -> None:
    copy_of(BLUE, tmp_path)
    flags = ("--deployment", "v2-blue/deployment.yml", "--context-only")
    assert package(*flags, "--output", "v2-blue") == 1
    assert "--output v2-blue: is there already; name a new or empty folder" in package.err


def test_a_build_that_fails_for_its_python_is_told_with_what_to_try(
    package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Builder):
        def image_id(self, image: str) -> str | None:
            return image if image == "scoreserve:cpu" else None

        def read_file(self, image: str, path: str) -> bytes | None:
            return None

        def build(self, context: Path, dockerfile: Path, tag: str, on_line: object) -> None:
            raise DeploymentError(f"{tag} could not be built")

    monkeypatch.setattr(builders, "find", lambda _wanted, _options: Failing("podman"))
    copy_of(MNIST, tmp_path)
    monkeypatch.chdir(tmp_path / "v1-mnist")
    assert package("--ic", "inferenceconfig.json") == 1
    assert package.err.splitlines()[-1].endswith(
        "asks for python=3.11, and the image has its own: change the versions of the packages, or"
        " try --solver conda"
    )


def test_a_context_that_cannot_be_whole_is_not_there(package: Package, tmp_path: Path) -> None:
    folder = copy_of(BLUE, tmp_path)
    (folder / "model/link").symlink_to("nowhere")
    flags = ("--deployment", "v2-blue/deployment.yml", "--context-only")
    assert package(*flags, "--output", "v2-blue/context") == 1
    assert "link: cannot be copied: " in package.err
    assert {path.name for path in folder.iterdir()} == {
        *("deployment.yml", "endpoint.yml", "model", "onlinescoring", "sample-request.json"),
    }
    (folder / "model/link").unlink()
    assert package(*flags, "--output", "v2-blue/context") == 0
    assert (folder / "context/Dockerfile").exists()
