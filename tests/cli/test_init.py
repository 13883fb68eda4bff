"""`scoreserve init`: what it makes runs as it is made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from scoreserve.cli import commands
from tests.dap import Debugger
from tests.ports import free_port
from tests.servers import DEADLINE_SECONDS, wait_until

COMMAND = Path(sys.executable).with_name("scoreserve")
FILES = {
    *("score.py", "train.py", "sample_request.json", "requirements.txt", "README.md"),
    *("Dockerfile", "compose.yaml", ".vscode/launch.json"),
}
TEMPLATES = {"plain": "model/model.json", "sklearn": "model/model.joblib"}


def make(folder: Path, *flags: str) -> object:
    """The exit code."""
    with pytest.raises(SystemExit) as caught:
        commands.main(["init", str(folder), *flags])
    return caught.value.code


def files_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_it_makes_has_nothing_to_complain_of(tmp_path: Path, template: str) -> None:
    folder = tmp_path / "my model"
    assert make(folder, "--template", template) == 0
    assert files_in(folder) == {*FILES, TEMPLATES[template]}
    command = [str(COMMAND), "check", "--output", "json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout)
    assert [each for each in told["findings"] if each["level"] != "ok"] == []
    answered = next(each for each in told["findings"] if each["about"] == "sample request")
    assert '{"species":["setosa","virginica"]}' in answered["text"]
    if template == "sklearn":
        assert told["findings"][-1]["text"].endswith("meet in Pipeline.predict()")
        requirements = (folder / "requirements.txt").read_text()
        assert f"scikit-learn=={version('scikit-learn')}\n" in requirements


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "score.py").write_text("mine")
    (tmp_path / "README.md").symlink_to("nowhere")
    assert make(tmp_path) == 2
    error = capsys.readouterr().err
    assert str(tmp_path / "score.py") in error
    assert str(tmp_path / "README.md") in error
    assert files_in(tmp_path) == {"score.py"}
    assert (tmp_path / "score.py").read_text() == "mine"


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    assert make(tmp_path) == 0
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert make(tmp_path / "file" / "folder") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_model_that_cannot_be_made_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none/sklearn.py").write_text("raise ModuleNotFoundError('no sklearn here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "none"))
    assert make(tmp_path / "new", "--template", "sklearn") == 1
    told = capsys.readouterr().out
    assert "The model is not made yet: ModuleNotFoundError: no sklearn here" in told
    assert "pip install -r requirements.txt\n    python train.py\n    scoreserve dev" in told


def test_files_for_other_programs_can_be_read_by_them(tmp_path: Path) -> None:
    make(tmp_path / "my-model")
    folder = tmp_path / "my-model"
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    assert compose["services"]["score"]["build"] == "."
    readme = (folder / "README.md").read_text()
    assert readme.startswith("# my-model\n")
    assert "$" not in readme
    for name in FILES:
        assert name in readme or name == "README.md"


def launch_configuration(folder: Path) -> dict[str, Any]:
    """What VS Code's F5 starts."""
    found = json.loads((folder / ".vscode/launch.json").read_text())
    (configuration,) = found["configurations"]
    assert (configuration["type"], configuration["request"]) == ("debugpy", "launch")
    assert configuration["subProcess"] is True
    return dict(configuration)


def test_a_breakpoint_in_run_is_hit_and_a_reloaded_script_has_it_too(tmp_path: Path) -> None:
    """As VS Code starts what launch.json says, but for the port of the server."""
    make(tmp_path)
    configuration = launch_configuration(tmp_path)
    script = tmp_path / "score.py"
    lines = script.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "json.loads" in text)
    port, debugger_port = free_port(), free_port()
    command = [sys.executable, "-m", "debugpy", "--listen", f"127.0.0.1:{debugger_port}"]
    command += ["--wait-for-client", "-m", configuration["module"], *configuration["args"]]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=tmp_path,
            env={**os.environ, **configuration["env"]},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    debugger = None
    try:
        debugger = Debugger(debugger_port, str(script), line)
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _status(url) == 200, "the server is ready")
        body = (tmp_path / "sample_request.json").read_bytes()
        for _ in range(2):
            answer = httpx.post(f"{url}/score", content=body, timeout=DEADLINE_SECONDS)
            assert answer.json() == {"species": ["setosa", "virginica"]}
            assert "5.1" in debugger.stops.get(timeout=DEADLINE_SECONDS)["raw_data"]
            with script.open("a") as file:
                file.write("\n# edited\n")
            wait_until(lambda: "Reloaded" in (tmp_path / "log").read_text(), "it is reloaded")
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)
        if debugger is not None:
            debugger.close()


def _status(url: str) -> int:
    try:
        return httpx.get(url, timeout=DEADLINE_SECONDS).status_code
    except httpx.HTTPError:
        return 0
