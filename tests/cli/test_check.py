"""`scoreserve check`: what it finds in scripts as people have them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).parent / "scoreserve"

MODEL = """
import json, os
import joblib

def init():
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.pkl"))
"""
MEETS = MODEL + "\ndef run(data):\n    return model.predict(json.loads(data)['data']).tolist()\n"
KEEPS = MODEL + "\ndef run(data):\n    global seen\n    seen = data\n    return str(seen)\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A directory with a model and a sample request."""
    import joblib
    import numpy as np
    from sklearn.linear_model import LinearRegression

    directory = tmp_path / "model"
    directory.mkdir()
    joblib.dump(LinearRegression().fit(np.eye(2), [1, 2]), directory / "model.pkl")
    (directory / "sample_request.json").write_text(json.dumps({"data": [[1, 2], [3, 4]]}))
    return directory


def check(directory: Path, script: str, *flags: str) -> tuple[int, str]:
    """Exit code and output."""
    (directory / "score.py").write_text(script)
    command = [str(COMMAND), "check", "--entry-script", "score.py", *flags]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_says_which_methods_meet(tmp_path: Path, model: Path) -> None:
    code, output = check(tmp_path, MEETS, "--model-dir", str(model))
    assert code == 0, output
    assert "calls of run() can meet in the model's predict" in output
    assert "found `model`: LinearRegression of scikit-learn" in output
    assert "LinearRegression.predict() meets" in output


def test_says_which_line_stands_in_the_way(tmp_path: Path, model: Path) -> None:
    code, output = check(tmp_path, KEEPS, "--model-dir", str(model))
    assert code == 0, output
    line = KEEPS.splitlines().index("    seen = data") + 1
    assert "batching        off: calls of run() could see each other's state" in output
    assert f"line {line}: seen = data" in output
    assert "off:" not in check(tmp_path, KEEPS, "--model-dir", str(model), "--stateless")[1]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("def init(): pass\n", "run"),
        ("def init(): 1 / 0\ndef run(data): pass\n", "ZeroDivisionError"),
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
    ],
    ids=["no run", "init raises", "import fails"],
)
def test_says_why_a_server_would_not_start(tmp_path: Path, script: str, said: str) -> None:
    code, output = check(tmp_path, script)
    assert (code, "would not start" in output) == (3, True)
    assert said in output


def test_refuses_settings_as_the_server_does(tmp_path: Path) -> None:
    code, output = check(tmp_path, MEETS, "--batching", "sometimes")
    assert code != 0
    assert "batching" in output
