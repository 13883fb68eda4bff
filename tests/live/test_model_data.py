"""What a script's Collector collects, with the real server and the real package."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import Serve
from tests.ports import free_port
from tests.servers import clean_environment, wait_until
from tests.telemetry import azure_collector

SCRIPT = """
import json
import pandas as pd
from azureml.ai.monitoring import Collector
from azureml.contrib.services.aml_request import rawhttp  # ours, beside the real azureml

def init():
    global inputs, outputs
    inputs, outputs = Collector(name="model_inputs"), Collector(name="model_outputs")

def run(data):
    frame = pd.DataFrame(json.loads(data))
    context = inputs.collect(frame)
    result = frame.assign(y=frame["x"] * 2)[["y"]]
    outputs.collect(result, context)
    return result["y"].tolist()
"""


def events(directory: Path, collection: str) -> list[Any]:
    return [
        json.loads(line)
        for path in sorted(directory.glob(f"{collection}/*/*/*/*/*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def environment(tmp_path: Path, **others: str) -> dict[str, str]:
    settings = {"SCORESERVE_MODEL_DATA_DIR": str(tmp_path / "mdc"), "WORKER_COUNT": "2"}
    return {**azure_collector.on_path(), **settings, **others}


@azure_collector.needed
def test_inputs_and_outputs_of_each_request_are_kept(serve: Serve, tmp_path: Path) -> None:
    env = environment(tmp_path, AZUREML_MDC_PORT=str(free_port()))
    with serve(SCRIPT, env=env) as server:
        pending = [server.start_score(json.dumps({"x": [number]})) for number in range(20)]
        assert [each.reply().json() for each in pending] == [[2 * n] for n in range(20)]
        mdc = tmp_path / "mdc"
        wait_until(lambda: len(events(mdc, "model_outputs")) == 20, "all have come")
        inputs = {event["correlationid"]: event["data"] for event in events(mdc, "model_inputs")}
        assert sorted(data[0]["x"] for data in inputs.values()) == list(range(20))
        for event in events(mdc, "model_outputs"):
            assert event["data"] == [{"y": 2 * inputs[event["correlationid"]][0]["x"]}]
        assert "Model data is kept in" in server.output
        (telemetry,) = server.processes("scoreserve.telemetry")
        os.kill(telemetry, signal.SIGKILL)
        wait_until(lambda: server.processes("scoreserve.telemetry") != [telemetry], "it is gone")
        wait_until(lambda: server.output.count("Model data is kept") == 2, "another is there")
        assert server.score(json.dumps({"x": [7]})).json() == [14]
        wait_until(lambda: len(events(mdc, "model_outputs")) == 21, "it has come")


@azure_collector.needed
def test_a_directory_that_cannot_be_written_fails_no_request(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "mdc").touch()
    with serve(SCRIPT, env=environment(tmp_path, AZUREML_MDC_PORT=str(free_port()))) as server:
        for number in range(3):
            assert server.score(json.dumps({"x": [number]})).json() == [2 * number]
        wait_until(lambda: "Model data cannot be written" in server.output, "it says so")
        assert "failed to send" not in server.output


@azure_collector.needed
def test_without_the_setting_a_collector_is_as_the_package_has_it(
    launch: Serve, tmp_path: Path
) -> None:
    with launch(SCRIPT, env=azure_collector.on_path()) as server:
        assert server.wait_exit() == 3
        assert "custom logging is not enabled" in server.output
        assert "with SCORESERVE_MODEL_DATA_DIR" in " ".join(server.output.split())


@azure_collector.needed
def test_check_needs_no_receiver(tmp_path: Path) -> None:
    (tmp_path / "score.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "sample_request.json").write_text('{"x": [1]}', encoding="utf-8")
    done = subprocess.run(
        [Path(sys.executable).with_name("scoreserve"), "check", "score.py"],
        env={**clean_environment(), **environment(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| model_inputs | " in done.stderr


@pytest.mark.parametrize("port", ["0", "http"])
def test_a_port_that_is_none_is_a_wrong_setting(launch: Serve, tmp_path: Path, port: str) -> None:
    with launch(SCRIPT, env=environment(tmp_path, AZUREML_MDC_PORT=port)) as server:
        assert server.wait_exit() == 3
        assert "AZUREML_MDC_PORT" in server.output
