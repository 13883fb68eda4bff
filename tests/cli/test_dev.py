"""`scoreserve dev`: what a server is started with while a script is written."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from scoreserve.cli import commands, dev
from tests.conftest import WriteFile
from tests.ports import free_port
from tests.servers import DEADLINE_SECONDS, wait_until

COMMAND = Path(sys.executable).with_name("scoreserve")
SCRIPT = "def init(): pass\ndef run(data): return data\n"


class Served(BaseException):
    """A server would be started with these values."""

    def __init__(self, cli: Mapping[str, Any]) -> None:
        super().__init__()
        self.cli = cli


Start = Callable[..., Mapping[str, Any]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write_file: WriteFile) -> Start:
    """What `scoreserve dev` would start here, beside a score.py."""

    def serve(cli: Mapping[str, Any]) -> None:
        raise Served(cli)

    def start(*arguments: str) -> Mapping[str, Any]:
        with pytest.raises(Served) as caught:
            commands.main(["dev", *arguments])
        return caught.value.cli

    for variable in (
        "AZUREML_ENTRY_SCRIPT",
        "AML_ENTRY_SCRIPT",
        "AZUREML_MODEL_DIR",
        "AML_APP_ROOT",
    ):
        monkeypatch.delenv(variable, raising=False)
    for debugger in ("debugpy", "pydevd"):
        monkeypatch.delitem(sys.modules, debugger, raising=False)
    monkeypatch.setattr(dev, "serve", serve)
    monkeypatch.chdir(tmp_path)
    write_file("score.py", SCRIPT)
    return start


def test_only_this_machine_is_served_and_sees_tracebacks(start: Start) -> None:
    cli = start("score.py")
    assert cli["host"] == "127.0.0.1"
    assert cli["reload"] is True
    assert cli["show_tracebacks"] is True
    assert cli["pages"] is True


def test_others_are_served_when_they_are_asked_for(start: Start) -> None:
    assert start("score.py", "--host", "0.0.0.0")["host"] == "0.0.0.0"


def test_the_script_and_its_model_are_found_where_they_usually_are(
    start: Start, tmp_path: Path
) -> None:
    assert start()["entry_script"] == str(tmp_path / "score.py")
    assert start()["model_dir"] is None
    (tmp_path / "model").mkdir()
    assert start()["model_dir"] == str(tmp_path / "model")
    assert start("--entry-script", "score.py")["model_dir"] == str(tmp_path / "model")
    assert start("--model-dir", "other")["model_dir"] == "other"


def test_a_script_that_is_named_elsewhere_wins(
    start: Start, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AZUREML_ENTRY_SCRIPT", "")  # as images have it
    assert start()["entry_script"] == str(tmp_path / "score.py")
    monkeypatch.setenv("AZUREML_ENTRY_SCRIPT", "other.py")
    assert start()["entry_script"] == str(tmp_path / "other.py")
    monkeypatch.delenv("AZUREML_ENTRY_SCRIPT")
    write_file("config.json", '{"AZUREML_ENTRY_SCRIPT": "another.py"}')
    assert start()["entry_script"] == str(tmp_path / "another.py")
    assert start("--model", "model.onnx")["entry_script"] is None


def test_a_model_that_is_set_elsewhere_wins(
    start: Start, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file("model/model.bin", "")
    write_file("config.json", '{"AZUREML_MODEL_DIR": "other"}')
    assert start()["model_dir"] == "other"
    write_file("config.json", "{}")
    monkeypatch.setenv("AZUREML_MODEL_DIR", "another")
    assert start()["model_dir"] == "another"


@pytest.mark.parametrize("debugger", ["debugpy", "pydevd"])
def test_a_breakpoint_has_no_time_limit(
    start: Start, monkeypatch: pytest.MonkeyPatch, debugger: str
) -> None:
    assert "worker_timeout_s" not in start()
    monkeypatch.setitem(sys.modules, debugger, ModuleType(debugger))
    cli = start()
    assert (cli["worker_timeout_s"], cli["scoring_timeout_ms"]) == (0, 0)


def test_it_says_what_the_page_at_docs_needs(
    start: Start, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start()
    told = capsys.readouterr().err
    assert "tracebacks" in told
    assert "/docs" not in told
    monkeypatch.setattr(dev, "find_spec", lambda name: None)
    start()
    assert "pip install 'scoreserve[docs]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("scroe.py", "did you mean score.py?"),
        ("nowhere/score.py", "no folder"),
        (".", "is a folder"),
    ],
)
def test_a_script_that_is_not_there_is_told_in_one_line(
    start: Start, script: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        commands.main(["dev", script])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_script_that_cannot_start_is_waited_for(tmp_path: Path, write_file: WriteFile) -> None:
    """And once it runs, its traceback is in the answer."""
    script = write_file("score.py", "import nothing_of_this_name\n")
    log = tmp_path / "log"
    url = f"http://127.0.0.1:{(port := free_port())}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(COMMAND), "dev", "score.py", "--port", str(port)],
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "the server waits for it to change" in log.read_text(), "it waits")
        assert "No module named 'nothing_of_this_name'" in log.read_text()
        assert httpx.post(f"{url}/score", content=b"[]").status_code == 502
        script.write_text("def init(): pass\ndef run(data): return 1 / 0\n")
        wait_until(lambda: httpx.get(url).status_code == 200, "it serves")
        answer = httpx.post(f"{url}/score", content=b"[]")
        assert answer.status_code == 500
        assert answer.json()["traceback"][-1] == "ZeroDivisionError: division by zero"
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
