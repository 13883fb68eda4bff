"""Models without a script, on real servers."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from tests.live.conftest import Serve
from tests.live.many_clients import ALL_MAY_WAIT, ask_all
from tests.servers import wait_until


def write_linear(path: Path, weight: float = 2.0) -> Path:
    """An ONNX model that multiplies rows of two by a matrix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = numpy_helper.from_array(np.full((2, 1), weight, dtype="float32"), "w")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])
        for name, size in (("x", 2), ("y", 1))
    ]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], initializer=[weights])
    opset = helper.make_opsetid("", 17)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=9), path)
    return path


def served(*args: str, **env: str) -> dict[str, Any]:
    return {"program": "scoreserve", "args": ("serve", *args), "env": env}


def test_a_model_is_served_like_a_script(serve: Serve, tmp_path: Path) -> None:
    """By its path: requests, refusals, Swagger, keys, metrics, health."""
    write_linear(tmp_path / "linear.onnx")
    options = served("--model", "linear.onnx", SCORESERVE_API_KEYS="k-1")
    with serve(None, **options) as server:
        key = {"authorization": "Bearer k-1"}
        assert server.score('{"data": [[1, 2]]}').status == 401
        reply = server.score('{"data": [[1, 2], [3, 4]]}', **key)
        assert (reply.status, reply.json()) == (200, [[6.0], [14.0]])
        refused = server.score('{"data": [[1, 2, 3]]}', **key)
        assert refused.status == 400
        assert "[?, 2]" in refused.message
        assert refused.headers["x-ms-run-function-failed"] == "False"
        document = server.send("GET", "/swagger.json?version=3", headers=key).reply().json()
        example = document["components"]["schemas"]["ServiceInput"]["example"]
        assert server.score(json.dumps(example), **key).json() == [[0.0]]
        ready = server.get("/health/ready").json()
        assert ready["model"]["name"] == "linear"
        assert ready["model"]["kind"] == "ONNX"
        assert "Traceback" not in server.output


def test_the_model_directory_is_enough(serve: Serve, tmp_path: Path) -> None:
    """As a managed endpoint mounts it."""
    write_linear(tmp_path / "models" / "linear" / "3" / "model.onnx")
    with serve(
        None, **served(AZUREML_MODEL_DIR=str(tmp_path / "models" / "linear" / "3"))
    ) as server:
        assert server.score("[[1, 1]]").json() == [[4.0]]


def test_a_script_goes_before_a_model(serve: Serve, tmp_path: Path) -> None:
    write_linear(tmp_path / "models" / "linear.onnx")
    main = {"main.py": "def init(): pass\ndef run(data): return 'of the script'"}
    options = served(AZUREML_MODEL_DIR=str(tmp_path / "models"))
    with serve(None, files=main, **options) as server:
        assert server.score("[[1, 1]]").json() == "of the script"


def test_calls_meet_in_the_model(serve: Serve, tmp_path: Path) -> None:
    write_linear(tmp_path / "linear.onnx")
    options = served("--model", "linear.onnx", SCORESERVE_MAX_BATCH_SIZE="16", **ALL_MAY_WAIT)
    with serve(None, **options) as server:
        bodies = {json.dumps({"data": [[number, 1]]}): 2.0 * number + 2 for number in range(400)}
        answers = ask_all(server, list(bodies))
        for text, expected in bodies.items():
            assert answers[text].body == [[expected]]
        (method,) = server.get("/health/ready").json()["batching"]["methods"]
        # So small a model gains nothing by it, which is found out by trying.
        assert (method["model"], method["method"]) == ("InferenceSession", "run")
        assert method["off"] in (None, "", "no_gain")


def test_a_reload_serves_the_new_model(serve: Serve, tmp_path: Path) -> None:
    write_linear(tmp_path / "linear.onnx")
    with serve(None, **served("--model", "linear.onnx")) as server:
        assert server.score("[[1, 1]]").json() == [[4.0]]
        write_linear(tmp_path / "linear.onnx", weight=3.0)
        server.signal(signal.SIGHUP)
        wait_until(lambda: server.score("[[1, 1]]").json() == [[6.0]], "the new model answers")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"net.pt": "weights"}, "net.pt needs an entry script"),
        ({"m.pkl": "pickle"}, "SCORESERVE_ALLOW_PICKLE"),
        ({"a.onnx": "x", "b.onnx": "x"}, "a.onnx, b.onnx"),
        ({"a.onnx": "x"}, "cannot be loaded"),
    ],
)
def test_what_cannot_be_served_ends_the_server_with_the_reason(
    launch: Serve, files: dict[str, str], words: str
) -> None:
    files = {f"models/{name}": text for name, text in files.items()}
    with launch(None, files=files, **served("--model", "models")) as server:
        assert server.wait_exit() == 3
        assert words in server.output
        assert "Traceback" not in server.output
