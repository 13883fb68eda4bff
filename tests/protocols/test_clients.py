"""Clients from PyPI, unchanged, against a real server."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.protocols.conftest import Client, run
from tests.protocols.scripts import BYTES, ECHO, FRAMES, SUMS
from tests.servers import serve

pytestmark = pytest.mark.protocols

ENV = {
    "SCORESERVE_PROTOCOLS": "v2,v1,mlflow,formats",
    "SCORESERVE_GZIP_BODIES": "true",
    "SCORESERVE_MODEL_NAME": "echo",
}


def test_tritonclient(ask: Client, tmp_path: Path) -> None:
    with serve(ECHO, tmp_path, env=ENV) as server:
        told = ask("clients", "triton", server.port)
    assert [told[name] for name in ("live", "ready", "model_ready", "version_ready")] == [True] * 4
    assert told["server"]["extensions"] == ["binary_tensor_data"]
    assert told["model"]["inputs"] == [{"name": "data", "datatype": "FP64", "shape": [-1]}]
    assert [each for each, same in told["echoes"].items() if not same] == []
    assert len(told["echoes"]) == 34
    assert told["compressed"] == {"gzip": True, "deflate": True}
    assert told["async_infer"] == [True] * 8
    assert told["aio"] is True
    assert told["id"] == "id-7"
    assert told["unknown"] == ["404", "This server has one model, 'echo', in version '1'."]


def test_kserves_sdk(ask: Client, tmp_path: Path) -> None:
    with serve(SUMS, tmp_path, env=ENV) as server:
        told = ask("kserve", "kserve_sdk", server.port, "echo")
    assert told["v2"] == {
        "live": True,
        "ready": True,
        "model_ready": True,
        "answers": [["id-7", [6.0, 22.0]]] * 4,
    }
    assert told["v1"] == {"model_ready": True, "answer": {"predictions": [6.0, 22.0]}}


def test_mlservers_codecs(ask: Client, tmp_path: Path) -> None:
    with ExitStack() as stack:
        ports = []
        for name, script in {"echo": ECHO, "bytes": BYTES, "frames": FRAMES}.items():
            ports.append(stack.enter_context(serve(script, tmp_path / name, env=ENV)).port)
        told = ask("clients", "mlserver_codecs", *ports)
    assert told == {
        "numpy": True,
        "strings": ["a", "ä"],
        "base64": ["ff00", "61"],
        "frame": {"text": ["a!", "ä!"], "twice": [3.0, 4.0]},
        "strings of a frame": ["a!", "ä!"],
    }


def test_mlserver_infer(tmp_path: Path) -> None:
    """The batch client: a request a line, in whatever order they are answered."""
    requests = [
        {"inputs": [{"name": "data", "shape": [1, 4], "datatype": "FP32", "data": [n, 2, 3, 4]}]}
        for n in range(20)
    ]
    lines = tmp_path / "requests.jsonl"
    answers = tmp_path / "answers.jsonl"
    lines.write_text("".join(f"{json.dumps(each)}\n" for each in requests), encoding="utf-8")
    with serve(SUMS, tmp_path, env=ENV) as server:
        address = ["-u", f"127.0.0.1:{server.port}", "-m", "echo"]
        command = ["-m", "mlserver.cli.main", "infer", *address]
        run("clients", *command, "-i", lines, "-o", answers, "--workers", "4", cwd=tmp_path)
    found = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    by_index = {each["parameters"]["batch_index"]: each["outputs"][0]["data"] for each in found}
    assert by_index == {n: [n + 9.0] for n in range(20)}
