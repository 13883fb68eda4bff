"""How the commands about one entry script are told of a model instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scoreserve.cli import script_flags
from scoreserve.cli.flags import Parser

NAMES = ("entry_script", "model", "model_dir")


@pytest.fixture
def values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clean_environ: None) -> Any:
    """The values of a command line, in a folder with an ONNX model and a script."""
    (tmp_path / "m.onnx").write_bytes(b"\x08\x09onnx")
    (tmp_path / "other.py").write_text("")
    monkeypatch.chdir(tmp_path)
    for name in ("AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR", "SCORESERVE_MODEL"):
        monkeypatch.delenv(name, raising=False)

    def values(*argv: str) -> dict[str, Any]:
        parser = Parser(prog="scoreserve check")
        script_flags.add_flags(parser, NAMES)
        return script_flags.values(parser, parser.parse_args(argv), NAMES)

    return values


def test_a_model_may_stand_where_the_script_does(values: Any, tmp_path: Path) -> None:
    found = values("m.onnx")
    assert (found["model"], found["entry_script"]) == (str(tmp_path / "m.onnx"), None)
    found = values("other.py")
    assert (found["model"], found["entry_script"]) == (None, str(tmp_path / "other.py"))
    assert values("--model", "m.onnx")["entry_script"] is None
