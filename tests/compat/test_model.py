"""Model.get_model_path, as azureml-core finds models in a container."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scoreserve.compat.exceptions import ModelNotFoundException
from scoreserve.compat.model import Model
from tests.conftest import WriteFile


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's directory is the current one."""
    monkeypatch.chdir(tmp_path)


class TestInTheCache:
    def test_is_the_one_entry_of_the_latest_version(self, write_file: WriteFile) -> None:
        """Which is the highest number, not the last name."""
        for version in ("1", "2", "10"):
            write_file(f"azureml-models/name/{version}/model{version}.pkl", "")
        assert Model.get_model_path("name") == "azureml-models/name/10/model10.pkl"

    def test_may_be_a_directory(self, write_file: WriteFile) -> None:
        write_file("azureml-models/name/1/folder/weights.bin", "")
        assert Model.get_model_path("name") == "azureml-models/name/1/folder"

    def test_may_be_of_an_earlier_version(self, write_file: WriteFile) -> None:
        for version in ("1", "2"):
            write_file(f"azureml-models/name/{version}/model.pkl", "")
        assert Model.get_model_path("name", 1) == "azureml-models/name/1/model.pkl"
        assert Model.get_model_path("name", version=2) == "azureml-models/name/2/model.pkl"
        assert Model.get_model_path(model_name="name", _workspace=object()).endswith("/2/model.pkl")

    def test_comes_before_a_file_of_its_name(self, write_file: WriteFile) -> None:
        write_file("name", "")
        write_file("azureml-models/name/1/model.pkl", "")
        assert Model.get_model_path("name") == "azureml-models/name/1/model.pkl"

    def test_may_have_a_path_for_a_name(self, write_file: WriteFile) -> None:
        write_file("azureml-models/group/name/1/model.pkl", "")
        assert Model.get_model_path("group/name") == "azureml-models/group/name/1/model.pkl"

    def test_may_lie_beside_what_is_no_version(self, write_file: WriteFile) -> None:
        write_file("azureml-models/name/.DS_Store", "")
        write_file("azureml-models/name/1/model.pkl", "")
        assert Model.get_model_path("name") == "azureml-models/name/1/model.pkl"

    def test_of_two_entries_is_not_found(self, write_file: WriteFile) -> None:
        for name in ("model.pkl", "MLmodel"):
            write_file(f"azureml-models/name/1/{name}", "")
        with pytest.raises(ModelNotFoundException, match=r"exactly one.*azureml-models/name/1"):
            Model.get_model_path("name")

    def test_of_no_entry_is_not_found(self, tmp_path: Path) -> None:
        (tmp_path / "azureml-models/name/1").mkdir(parents=True)
        with pytest.raises(ModelNotFoundException, match="exactly one"):
            Model.get_model_path("name")

    def test_of_no_version_is_not_found(self, tmp_path: Path) -> None:
        (tmp_path / "azureml-models/name").mkdir(parents=True)
        with pytest.raises(ModelNotFoundException, match="no version"):
            Model.get_model_path("name")


class TestElsewhere:
    def test_is_a_path_from_the_current_directory(self, write_file: WriteFile) -> None:
        write_file("name", "")
        write_file("folder/weights.bin", "")
        assert Model.get_model_path("name") == "name"
        assert Model.get_model_path("folder") == "folder"

    @pytest.mark.parametrize("cached", [True, False], ids=["in others", "not at all"])
    def test_is_so_where_the_version_is_not_in_the_cache(
        self, write_file: WriteFile, cached: bool
    ) -> None:
        """As azureml-core 1.61 has it."""
        write_file("name", "")
        if cached:
            write_file("azureml-models/name/1/model.pkl", "")
        assert Model.get_model_path("name", 5) == "name"

    @pytest.mark.parametrize("version", [None, 1])
    def test_or_nowhere_is_not_found(self, version: int | None, tmp_path: Path) -> None:
        with pytest.raises(ModelNotFoundException) as caught:
            Model.get_model_path("name", version)
        assert str(caught.value) == (
            "Model name not found in cache at azureml-models or in current working directory"
            f" {tmp_path}."
        )

    def test_says_so_where_the_cache_cannot_be_read(
        self, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_file("azureml-models/name/1/model.pkl", "")
        monkeypatch.setattr(os, "access", lambda _path, _mode: False)
        with pytest.raises(ModelNotFoundException, match=r"User \d+ cannot read azureml-models\.$"):
            Model.get_model_path("other")


def test_it_needs_no_instance() -> None:
    assert isinstance(Model.__dict__["get_model_path"], staticmethod)
