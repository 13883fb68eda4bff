"""Names of environments' images: same content, same name; one byte changed, another."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from scoreserve.deploy.plan import Choices, KnowsNothing, plan
from tests.deploy.sample_deployments import BY_NAME, copy_of
from tests.deploy.test_dockerfiles import planned

IDS = {"scoreserve:cpu": "sha256:1"}


def name_of(
    sample: str, folder: Path, change: Callable[[Path], None] = lambda _folder: None
) -> str:
    """The name of a sample's environment, whose files are changed before."""
    folder.mkdir(parents=True)
    change(copy_of(BY_NAME[sample], folder))
    found = plan(BY_NAME[sample].read(folder), Choices(), KnowsNothing())
    context = folder / "context"
    context.mkdir()
    found.lay_out_environment(context)
    return found.environment_name(context, IDS.get)


def replacing(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize("sample", ["v1-mnist", "v1-environment", "v2-conda", "v2-build"])
def test_the_same_content_has_the_same_name(sample: str, tmp_path: Path) -> None:
    first, second = name_of(sample, tmp_path / "a"), name_of(sample, tmp_path / "b")
    assert first == second
    assert re.fullmatch("azureml/azureml_[0-9a-f]{32}", first)


@pytest.mark.parametrize(
    ("sample", "file", "old", "new"),
    [
        ("v1-mnist", "inferenceconfig.json", "mnist-env", "other-env"),
        ("v1-mnist", "inferenceconfig.json", '"version": "1"', '"version": "2"'),
        ("v1-mnist", "inferenceconfig.json", "good morning", "good evening"),
        ("v1-mnist", "score.py", "import json", "import json  # changed"),
        ("v2-conda", "conda.yml", "name: model-env", "name: other-env"),
    ],
)
def test_names_versions_variables_and_code_do_not_count(
    sample: str, file: str, old: str, new: str, tmp_path: Path
) -> None:
    changed = name_of(sample, tmp_path / "b", replacing(file, old, new))
    assert changed == name_of(sample, tmp_path / "a")


@pytest.mark.parametrize(
    ("sample", "file", "old", "new"),
    [
        ("v1-mnist", "inferenceconfig.json", "numpy=2.*", "numpy=1.*"),
        ("v1-mnist", "inferenceconfig.json", '["conda-forge"]', '["defaults", "conda-forge"]'),
        ("v1-mnist", "inferenceconfig.json", "openmpi4.1.0-ubuntu22.04", "base-gpu"),
        ("v1-legacy", "steps.dockerfile", "FROM_STEPS=1", "FROM_STEPS=2"),
        ("v2-conda", "conda.yml", "- joblib", "- joblib==1.4"),
        ("v2-build", "docker-context/requirements.txt", "joblib", "Joblib"),
        ("v2-build", "docker-context/Dockerfile", "-r", "-q -r"),
        ("v1-base-dockerfile", "azureml_environment.json", "/opt/app/", "/opt/apps/"),
    ],
)
def test_what_is_in_the_image_counts(
    sample: str, file: str, old: str, new: str, tmp_path: Path
) -> None:
    changed = name_of(sample, tmp_path / "b", replacing(file, old, new))
    assert changed != name_of(sample, tmp_path / "a")


def test_one_byte_of_a_wheel_counts(tmp_path: Path) -> None:
    def change(folder: Path) -> None:
        (wheel,) = (folder / "wheels").iterdir()
        wheel.write_bytes(wheel.read_bytes() + b"\0")

    assert name_of("v1-environment", tmp_path / "a") != name_of(
        "v1-environment", tmp_path / "b", change
    )


def test_a_mode_counts(tmp_path: Path) -> None:
    def change(folder: Path) -> None:
        (folder / "docker-context/requirements.txt").chmod(0o755)

    assert name_of("v2-build", tmp_path / "a") != name_of("v2-build", tmp_path / "b", change)


def test_the_base_s_digest_counts(tmp_path: Path) -> None:
    found = planned("v1-mnist", Choices(), tmp_path)
    names = {
        found.environment_name(tmp_path / "none", {"scoreserve:cpu": each}.get) for each in "ab"
    }
    assert len(names) == 2
