"""Which model is found, and which is not one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scoreserve import model_files
from scoreserve.errors import BootError
from scoreserve.model_files import Kind
from scoreserve.settings import Settings

ONNX = b"\x08\x09onnx"
CONTENTS = {
    "m.onnx": (ONNX, Kind.ONNX),
    "m.skops": (b"PK\x03\x04skops", Kind.SKOPS),
    "m.json": (b'{\n "learner": {}}', Kind.XGBOOST),
    "m.ubj": (b"{L" + bytes(7) + b"\x07learner", Kind.XGBOOST),
    "m.xgb": (b'{"learner":{}}', Kind.XGBOOST),
    "m.bst": (b'{"learner":{}}', Kind.XGBOOST),
    "m.model": (b'{"learner":{}}', Kind.XGBOOST),
    "m.txt": (b"tree\nversion=v4\n", Kind.LIGHTGBM),
    "m.lgb": (b"tree\r\nversion=v4\r\n", Kind.LIGHTGBM),
    "m.joblib": (b"\x80\x04", Kind.PICKLE),
    "m.pkl": (b"\x80\x04", Kind.PICKLE),
    "m.PICKLE": (b"\x80\x04", Kind.PICKLE),
}


def write(folder: Path, name: str, content: bytes = ONNX) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def found(folder: Path, **settings: Any) -> Any:
    return model_files.find(Settings(model_dir=str(folder), **settings))


def refusal(**settings: Any) -> str:
    with pytest.raises(BootError) as caught:
        model_files.find(Settings(**settings))
    return str(caught.value)


class TestKinds:
    @pytest.mark.parametrize("name", CONTENTS)
    def test_a_file_is_known_by_its_name_and_how_it_begins(self, tmp_path: Path, name: str) -> None:
        content, kind = CONTENTS[name]
        path = write(tmp_path, name, content)
        for settings in (Settings(model=str(path)), Settings(model_dir=str(tmp_path))):
            model = model_files.find(settings)
            assert model is not None
            assert (model.kind, model.path) == (kind, str(path))

    @pytest.mark.parametrize("name", ["config.json", "notes.txt", "data.ubj", "x.skops", "x.onnx"])
    def test_what_begins_otherwise_is_no_model(self, tmp_path: Path, name: str) -> None:
        path = write(tmp_path, name, b"" if name == "x.onnx" else b'{"trees": 1}')
        assert found(tmp_path) is None
        assert name in refusal(model=str(path))

    @pytest.mark.parametrize("name", ["net.pt", "net.safetensors", "net.h5", "saved_model.pb"])
    def test_models_that_say_not_how_they_calculate_need_a_script(
        self, tmp_path: Path, name: str
    ) -> None:
        write(tmp_path, name, b"weights")
        for settings in ({"model_dir": str(tmp_path)}, {"model": str(tmp_path / name)}):
            told = refusal(**settings)
            assert name in told
            assert "needs an entry script" in told

    def test_a_pointer_of_git_lfs_is_told_as_such(self, tmp_path: Path) -> None:
        write(tmp_path, "m.onnx", b"version https://git-lfs.github.com/spec/v1\n")
        assert "git lfs pull" in refusal(model_dir=str(tmp_path))

    def test_a_directory_of_mlflow_is_one_model(self, tmp_path: Path) -> None:
        write(tmp_path, "MLmodel", b"flavors: {}")
        write(tmp_path, "model.onnx")
        model = found(tmp_path)
        assert (model.kind, model.path) == (Kind.MLFLOW, str(tmp_path))


class TestPlaces:
    def test_azure_ml_mounts_name_and_version(self, tmp_path: Path) -> None:
        path = write(tmp_path, "iris/1/iris.onnx")
        assert found(tmp_path).path == str(path)

    def test_deeper_or_beside_another_folder_nothing_is_guessed(self, tmp_path: Path) -> None:
        write(tmp_path, "a/b/c/iris.onnx")
        assert found(tmp_path) is None
        write(tmp_path, "z/iris.onnx")
        assert found(tmp_path) is None
        assert "no model in" in refusal(model=str(tmp_path))

    def test_hidden_entries_do_not_count(self, tmp_path: Path) -> None:
        write(tmp_path, ".cache/other.onnx")
        path = write(tmp_path, "v/iris.onnx")
        assert found(tmp_path).path == str(path)

    def test_a_kind_without_code_goes_before_a_pickle(self, tmp_path: Path) -> None:
        write(tmp_path, "model.pkl", b"\x80\x04")
        path = write(tmp_path, "model.onnx")
        assert found(tmp_path).path == str(path)

    def test_several_of_a_kind_are_listed_and_one_can_be_named(self, tmp_path: Path) -> None:
        write(tmp_path, "a.onnx")
        path = write(tmp_path, "b.onnx")
        told = refusal(model_dir=str(tmp_path))
        assert "a.onnx, b.onnx" in told
        assert "SCORESERVE_MODEL_FILE" in told
        assert found(tmp_path, model_file="b.onnx").path == str(path)

    def test_the_folder_of_azures_variable_comes_first(self, tmp_path: Path) -> None:
        write(tmp_path, "m/MLmodel")
        write(tmp_path, "other/MLmodel")
        assert found(tmp_path, mlflow_model_folder="m").path == str(tmp_path / "m")

    def test_what_is_named_must_be_there(self, tmp_path: Path) -> None:
        assert str(tmp_path / "no.onnx") in refusal(model=str(tmp_path / "no.onnx"))
        assert "SCORESERVE_MODEL_FILE" in refusal(model_dir=str(tmp_path), model_file="no.onnx")

    def test_without_a_model_directory_there_is_none(self, tmp_path: Path) -> None:
        assert model_files.find(Settings()) is None
        assert found(tmp_path / "no") is None
        assert found(tmp_path) is None


class TestNames:
    @pytest.mark.parametrize(
        ("path", "name"),
        [
            ("iris.onnx", "iris"),
            ("iris.v2.onnx", "iris.v2"),
            ("iris/3/model.onnx", "model"),
            ("iris/3", "iris"),
            ("iris", "iris"),
            ("/7", "7"),
        ],
    )
    def test_a_path_gives_it(self, path: str, name: str) -> None:
        assert model_files.name_of(path) == name

    def test_the_directory_of_a_model_keeps_its_dots(self, tmp_path: Path) -> None:
        write(tmp_path, "iris.v2/1/MLmodel")
        settings = Settings(model=str(tmp_path / "iris.v2"))
        assert model_files.model_name(settings) == "iris.v2"

    def test_the_services_name_goes_before_it(self, tmp_path: Path) -> None:
        path = write(tmp_path, "iris.onnx")
        assert model_files.model_name(Settings(model=str(path))) == "iris"
        assert model_files.model_name(Settings(model=str(path), service_name="plants")) == "plants"

    def test_a_script_has_that_of_its_models_or_its_own(self, tmp_path: Path) -> None:
        script: dict[str, Any] = {"app_root": str(tmp_path), "entry_script": "score.py"}
        assert model_files.model_name(Settings(**script, model_dir="models/iris/1")) == "iris"
        assert model_files.model_name(Settings(**script)) == "score"
        assert model_files.model_name(Settings()) == "model"


class TestInPlaceOfAScript:
    def test_is_a_model_that_is_named_or_the_only_thing_there(self, tmp_path: Path) -> None:
        root: dict[str, Any] = {"app_root": str(tmp_path), "model_dir": str(tmp_path / "m")}
        assert model_files.without_script(Settings(**root)) is None
        write(tmp_path, "m/m.onnx")
        assert model_files.without_script(Settings(**root)) == str(tmp_path / "m")
        assert model_files.without_script(Settings(**root, entry_script="score.py")) is None
        assert model_files.without_script(Settings(app_root=str(tmp_path))) is None
        write(tmp_path, "main.py", b"")
        assert model_files.without_script(Settings(**root)) is None
        assert model_files.without_script(Settings(**root, model="/m.onnx")) == "/m.onnx"

    def test_a_sample_lies_beside_it(self, tmp_path: Path) -> None:
        path = write(tmp_path, "m.onnx")
        assert model_files.model_folder(Settings(model=str(path))) == str(tmp_path)
        assert model_files.model_folder(Settings(model=str(tmp_path))) == str(tmp_path)
        assert model_files.model_folder(Settings(model="m.onnx")) == "."
        assert model_files.model_folder(Settings(model_dir="m")) == "m"

    def test_a_path_is_that_of_a_model_by_what_it_holds(self, tmp_path: Path) -> None:
        assert model_files.is_model(str(write(tmp_path, "a.onnx")))
        assert model_files.is_model(str(write(tmp_path, "lfs.onnx", b"version https://git-lfs")))
        assert not model_files.is_model(str(write(tmp_path, "score.py", b"")))
        assert not model_files.is_model(str(write(tmp_path, "a.json", b"{}")))
        assert not model_files.is_model(str(tmp_path))
        assert not model_files.is_model(str(tmp_path / "no.onnx"))
        write(tmp_path, "MLmodel", b"flavors: {}")
        assert model_files.is_model(str(tmp_path))
