"""What both sides know of the protocols beside that of /score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scoreserve import protocols
from scoreserve.protocols import Model, model_of
from scoreserve.settings import Settings
from scoreserve.start_lines import start_lines


class TestModel:
    @pytest.mark.parametrize(
        ("settings", "model"),
        [
            ({}, ("model", "1")),
            ({"model_dir": "/var/azureml-app/azureml-models/digits/3"}, ("digits", "3")),
            ({"model_dir": "/models/digits"}, ("digits", "1")),
            ({"model_dir": "/models/digits/"}, ("digits", "1")),
            ({"model_dir": "/models/digits/3", "service_name": "numbers"}, ("numbers", "3")),
            ({"service_name": "numbers", "model_name": "own"}, ("own", "1")),
        ],
    )
    def test_of_a_script(self, settings: Any, model: tuple[str, str]) -> None:
        assert model_of(Settings(entry_script="score.py", **settings)) == Model(*model)

    def test_without_a_script_is_called_by_its_file(self, tmp_path: Path) -> None:
        file = tmp_path / "iris.onnx"
        file.write_bytes(b"onnx")
        assert model_of(Settings(model=str(file))).name == "iris"
        assert model_of(Settings(model_dir=str(tmp_path))).name == "iris"


def test_the_start_says_where_they_are_scored() -> None:
    settings = Settings(entry_script="s.py", model_name="m", protocols="v2,v1,formats", port=1)
    (line,) = [line for line in start_lines(settings).splitlines() if "also" in line]
    paths = "http://localhost:1/v2/models/m/infer  http://localhost:1/v1/models/m:predict"
    assert line == f"  also     POST {paths}"
    assert "also" not in start_lines(Settings(protocols="formats"))


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        (b"/v2/models/m/infer", "v2"),
        (b"//v2/models/m/infer", "v2"),
        (b"/%76%32/models/m/infer", "v2"),
        (b"/v1/models/m:predict", "v1"),
        (b"/invocations", "mlflow"),
        (b"/score", ""),
        (b"/v2", "v2"),
        (b"/v20/models", ""),
        (b"/invocation", ""),
    ],
)
def test_a_path_tells_the_protocol(path: bytes, protocol: str) -> None:
    assert protocols.of_path(path) == protocol


def test_each_tells_of_errors_in_its_own_words() -> None:
    assert json.loads(protocols.error_body("v2", 400, "no")) == {"error": "no"}
    assert json.loads(protocols.error_body("v1", 400, "no")) == {"error": "no"}
    told = json.loads(protocols.error_body("mlflow", 500, "no"))
    assert told == {"error_code": "INTERNAL_ERROR", "message": "no"}
