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
    command = [str(COMMAND), "check", "score.py", *flags]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def findings(directory: Path, script: str, *flags: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit code, and what is no `ok`, by what it is about."""
    (directory / "score.py").write_text(script)
    command = [str(COMMAND), "check", "score.py", "--output", "json", *flags]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert told["ok"] is (done.returncode == 0)
    return done.returncode, {
        each["about"]: each for each in told["findings"] if each["level"] != "ok"
    }


def test_says_which_methods_meet(tmp_path: Path, model: Path) -> None:
    """With the model directory that lies beside the script, and the sample in it."""
    code, output = check(tmp_path, MEETS)
    assert code == 0, output
    assert f"ok       model directory {model}" in output
    assert "sample_request.json is answered in" in output
    assert "calls of run() can meet in the model's predict" in output
    assert "found `model`: LinearRegression of scikit-learn" in output
    assert "meet in LinearRegression.predict()" in output
    assert output.endswith("Ready to serve.\n")
    assert "\x1b" not in output


def test_says_which_line_stands_in_the_way(tmp_path: Path, model: Path) -> None:
    code, found = findings(tmp_path, KEEPS)
    assert code == 0
    assert list(found) == ["batching"]
    line = KEEPS.splitlines().index("    seen = data") + 1
    assert "calls of run() could see each other's state" in found["batching"]["text"]
    assert f"line {line}: seen = data" in found["batching"]["text"]
    assert findings(tmp_path, KEEPS, "--stateless") == (0, {})


FAILING = {
    "text": ("def init(:\n", "script", "SyntaxError", "line 1", "Correct"),
    "imports": ("import sklearnn, cv2_\n", "imports", "cv2_", "line 1", "pip install cv2_"),
    "no run": ("def init(): pass\n", "import", "run", "score.py", ""),
    "raises": ("1 / 0\n", "import", "ZeroDivisionError", "line 1", ""),
    "leaves": ("import sys\nsys.exit(2)\n", "import", "SystemExit: 2", "line 2", "sys.exit"),
    "run()": ("def init(): pass\ndef run(*a): pass\n", "run()", "*args", "line 2", "def run"),
    "parameters": (
        *("def init(a): pass\ndef run(data): pass\n", "init()"),
        *("without arguments", "", "def init():"),
    ),
    "init raises": (
        *("def init():\n    1 / 0\ndef run(data): pass\n", "init()"),
        *("ZeroDivisionError", "line 2", ""),
    ),
    "os._exit": (
        *("import os\ndef init(): os._exit(7)\ndef run(data): pass\n", "process"),
        *("exit code 7", "", "os._exit"),
    ),
    "killed": (
        "import os\ndef init(): os.kill(os.getpid(), 9)\ndef run(data): pass\n",
        *("process", "SIGKILL", "", "memory"),
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_says_what_would_fail_where_and_what_to_do(tmp_path: Path, case: str) -> None:
    script, about, text, where, remedy = FAILING[case]
    code, found = findings(tmp_path, script)
    assert code == 1
    told = found[about]
    assert told["level"] == "error"
    assert text in told["text"]
    assert where in told["where"]
    assert remedy in told["remedy"]


def test_a_script_that_hangs_is_told_with_its_line(tmp_path: Path) -> None:
    script = "import time\ndef init():\n    time.sleep(60)\ndef run(data): pass\n"
    code, found = findings(tmp_path, script, "--timeout", "1")
    assert code == 1
    assert found["time"]["text"] == "calling init() takes more than 1 s"
    assert "score.py, line 3, in init()" in found["time"]["where"]
    assert "--timeout" in found["time"]["remedy"]


@pytest.mark.parametrize(
    ("sample", "run", "text"),
    [
        ('{"a": 1}', "json.loads(data)['b']", "is answered 500: KeyError: 'b'"),
        ("[1]", "object()", "is answered 500: "),
        ("[1]", "open('nowhere')", "is answered 500: FileNotFoundError"),
    ],
)
def test_a_sample_that_is_refused_is_an_error(
    tmp_path: Path, sample: str, run: str, text: str
) -> None:
    (tmp_path / "sample_request.json").write_text(sample)
    script = f"import json\ndef init(): pass\ndef run(data): return {run}\n"
    code, found = findings(tmp_path, script)
    assert code == 1
    assert text in found["sample request"]["text"]


def test_a_sample_that_the_script_refuses_itself_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "sample_request.json").write_text("[1]")
    script = (
        "from azureml.contrib.services.aml_response import AMLResponse\n"
        "def init(): pass\n"
        "def run(data): return AMLResponse('no', 422)\n"
    )
    code, found = findings(tmp_path, script)
    assert code == 0
    assert "status 422, no" in found["sample request"]["text"]


@pytest.mark.parametrize(
    ("result", "level", "text"),
    [
        ("[len(text) for text in inputs]", "ok", "ms: 3"),
        ("1", "error", "as many as it is given"),
        ("[KeyError('no')]", "error", "KeyError: 'no'"),
    ],
)
def test_a_batched_run_gets_a_list(tmp_path: Path, result: str, level: str, text: str) -> None:
    (tmp_path / "sample_request.json").write_text("[1]")
    script = (
        "from scoreserve import batched\n"
        "def init(): pass\n"
        "@batched(max_batch_size=8)\n"
        f"def run(inputs): return {result}\n"
    )
    output = check(tmp_path, script)[1]
    line = next(line for line in output.splitlines() if " sample request " in line)
    assert line.startswith(level)
    assert text in line


def test_the_sample_of_a_schema_is_tried(tmp_path: Path) -> None:
    script = (
        "from inference_schema.schema_decorators import input_schema\n"
        "from inference_schema.parameter_types.standard_py_parameter_type import"
        " StandardPythonParameterType\n"
        "def init(): pass\n"
        "@input_schema('numbers', StandardPythonParameterType([1, 2]))\n"
        "def run(numbers): return sum(numbers)\n"
    )
    code, output = check(tmp_path, script)
    assert code == 0, output
    assert "the sample of @input_schema is answered in" in output
    assert ": 3\n" in output


def test_a_model_directory_that_the_script_misses_is_told(tmp_path: Path) -> None:
    code, found = findings(tmp_path, MODEL + "def run(data): pass\n")
    assert code == 1
    assert "the script reads AZUREML_MODEL_DIR" in found["model directory"]["text"]
    assert "--model-dir" in found["init()"]["remedy"]
    code, found = findings(tmp_path, MEETS, "--model-dir", "nowhere")
    assert code == 1
    assert str(tmp_path / "nowhere") in found["model directory"]["text"]


def test_what_a_script_prints_is_no_finding(tmp_path: Path) -> None:
    script = "print('[]')\ndef init(): print('{}')\ndef run(data): return data\n"
    code, found = findings(tmp_path, script)
    assert (code, list(found)) == (0, ["sample request"])  # there is none


def test_refuses_settings_as_the_server_does(tmp_path: Path) -> None:
    code, output = check(tmp_path, MEETS, "--batching", "sometimes")
    assert code == 2
    assert "batching" in output
    (tmp_path / "config.json").write_text('{"WORKER_COUNT": "many"}')
    code, found = findings(tmp_path, MEETS)
    assert code == 1
    assert "WORKER_COUNT" in found["settings"]["text"]
