"""Folders of environments, and models as the command line names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoreserve.deploy.deployment import Model
from scoreserve.deploy.files.environment import read_folder
from scoreserve.deploy.files.models import models
from scoreserve.errors import DeploymentError
from tests.deploy.sample_deployments import SAMPLES


class TestFolders:
    def test_what_save_to_directory_wrote(self) -> None:
        notes: list[str] = []
        found = read_folder(SAMPLES / "v1-environment", notes)
        assert found.environment.name == "tutorial-env"
        assert found.environment.conda is not None
        assert "scikit-learn==1.5.2" in found.environment.conda.document["dependencies"]
        assert notes == []

    def test_a_base_dockerfile_counts_more_than_the_image(self) -> None:
        found = read_folder(SAMPLES / "v1-base-dockerfile", []).environment
        assert found.dockerfile.startswith("FROM debian")
        assert (found.image, found.prefix) == ("", "/opt/app")

    @pytest.mark.parametrize("name", ["conda.yaml", "requirements.txt"])
    def test_packages_alone(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("dependencies: [joblib]" if "yaml" in name else "joblib\n")
        found = read_folder(tmp_path, []).environment
        assert found.conda is not None
        assert "joblib" in str(found.conda.document)

    def test_a_folder_with_nothing_known_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(DeploymentError, match=r"has no azureml_environment\.json, and neither"):
            read_folder(tmp_path, [])
        with pytest.raises(DeploymentError, match="no such folder"):
            read_folder(tmp_path / "none", [])


class TestModels:
    @pytest.fixture(autouse=True)
    def files(self, tmp_path: Path) -> None:
        for name in ("model.json", "model.tar.gz", "a=b", "a-name-of-more-than-thirty-characters"):
            (tmp_path / name).touch()

    @pytest.mark.parametrize(
        ("written", "model"),
        [
            ("model.json", ("model.json", "0", "model.json")),
            ("mnist:3=model.json", ("mnist", "3", "model.json")),
            ("mnist=model.json", ("mnist", "1", "model.json")),
            ("./model.tar.gz", ("model", "0", "model.tar.gz")),
            ("a=b", ("a=b", "0", "a=b")),
            (
                "a-name-of-more-than-thirty-characters",
                (
                    "a-name-of-more-than-thirty-cha",
                    "0",
                    "a-name-of-more-than-thirty-characters",
                ),
            ),
        ],
    )
    def test_a_model(self, tmp_path: Path, written: str, model: tuple[str, str, str]) -> None:
        name, version, file = model
        packed = file.endswith(".tar.gz")
        assert models([written], tmp_path) == (Model(name, version, tmp_path / file, packed),)

    @pytest.mark.parametrize(
        ("written", "told"),
        [
            (["none"], "--model none: no such file or folder"),
            (["m:1=none"], "--model m:1=none: no such file or folder"),
            (["m:x=model.json"], "--model m:x=model.json: no such file or folder"),
            ([" =model.json"], "a model's name and version have letters"),
            (["..=model.json"], "a model's name and version have"),
            (["m=model.json", "m:1=a=b"], "there are two of m:1"),
        ],
    )
    def test_what_is_refused(self, tmp_path: Path, written: list[str], told: str) -> None:
        with pytest.raises(DeploymentError) as caught:
            models(written, tmp_path)
        assert told in str(caught.value)
