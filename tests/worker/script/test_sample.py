"""Where a known sample of the input is found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema

from scoreserve.settings import Settings
from scoreserve.worker.script.sample import sample_arguments, sample_bodies
from tests.conftest import WriteFile

TEXT = '{"data": [[1, 2]]}'


def undecorated(data: Any) -> Any:
    return data


class TestFiles:
    @pytest.mark.parametrize("name", ["sample_request.json", "_samples.json"])
    def test_beside_the_model_are_the_text_that_run_gets(
        self, write_file: WriteFile, tmp_path: Path, name: str
    ) -> None:
        write_file(name, TEXT)
        settings = Settings(model_dir=str(tmp_path))
        assert sample_arguments(undecorated, "raw_data", settings) == {"raw_data": TEXT}

    def test_the_first_that_can_be_read_counts(self, tmp_path: Path) -> None:
        (tmp_path / "sample_request.json").write_bytes(b"\xff")
        (tmp_path / "_samples.json").write_text(TEXT)
        settings = Settings(model_dir=str(tmp_path))
        assert sample_arguments(undecorated, "data", settings) == {"data": TEXT}

    def test_need_not_be_there(self, tmp_path: Path) -> None:
        (tmp_path / "sample_request.json").mkdir()
        for model_dir in (None, str(tmp_path), str(tmp_path / "absent")):
            settings = Settings(model_dir=model_dir)
            assert sample_arguments(undecorated, "data", settings) is None


class TestSchemas:
    def test_bring_their_own(self) -> None:
        def run(data: Any, k: Any) -> Any:
            return data

        with_k = input_schema("k", StandardPythonParameterType(3))(run)
        both = input_schema("data", NumpyParameterType(np.array([[1.0, 2.0]])))(with_k)
        assert sample_arguments(both, None, Settings()) == {"data": [[1.0, 2.0]], "k": 3}

    def test_a_function_without_has_none(self) -> None:
        assert sample_arguments(undecorated, None, Settings()) is None


class TestBodies:
    """Those that /docs shows."""

    def test_of_both_files_beside_the_model(self, tmp_path: Path) -> None:
        (tmp_path / "sample_request.json").write_text(TEXT)
        (tmp_path / "_samples.json").write_text('[{"a": 1}]')
        assert sample_bodies(Settings(model_dir=str(tmp_path))) == {
            "sample_request.json": {"data": [[1, 2]]},
            "_samples.json": [{"a": 1}],
        }

    def test_beside_the_script_unless_there_is_one_beside_the_model(self, tmp_path: Path) -> None:
        for folder, text in (("model", '"models"'), ("code", '"scripts"')):
            (tmp_path / folder).mkdir()
            (tmp_path / folder / "sample_request.json").write_text(text)
        script = Settings(app_root=str(tmp_path), entry_script="code/score.py")
        assert sample_bodies(script) == {"sample_request.json": "scripts"}
        both = replace(script, model_dir=str(tmp_path / "model"))
        assert sample_bodies(both) == {"sample_request.json": "models"}

    @pytest.mark.parametrize("text", [b"{", b"\xff", b"[NaN]", b'"' + bytes(1 << 16) + b'"'])
    def test_are_left_out_if_a_page_cannot_show_them(self, tmp_path: Path, text: bytes) -> None:
        (tmp_path / "sample_request.json").write_bytes(text)
        assert sample_bodies(Settings(model_dir=str(tmp_path))) == {}
