"""Models without a script, in each protocol: tensors stay arrays on their way."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from scoreserve.settings import Settings
from scoreserve.worker.nocode import loading
from tests.worker.nocode.test_onnx_models import columns, identity
from tests.worker.protocols.requests import INFER, Served, binary_body, binary_input, json_input

skops_io = pytest.importorskip("skops.io")

Serve = Callable[..., Served]


@pytest.fixture
def serve(own_alarm: None) -> Serve:
    """Serves the model at a path."""

    def serve(path: Path) -> Served:
        script = loading.load(Settings(model=str(path)))
        return Served(script.run, model=script.model)

    return serve


@pytest.fixture
def iris(serve: Serve, tmp_path: Path) -> Served:
    """A classifier of four numbers."""
    rows, classes = load_iris(return_X_y=True)
    path = tmp_path / "iris.skops"
    skops_io.dump(LogisticRegression(max_iter=1000).fit(rows, classes), path)
    return serve(path)


ROWS = [[5.1, 3.5, 1.4, 0.2], [5.9, 3.0, 5.1, 1.8]]


class TestV2:
    def test_arrays_keep_their_types(self, serve: Serve, tmp_path: Path) -> None:
        served = serve(identity(tmp_path / "m.onnx", TensorProto.FLOAT16, None, 2))
        array = np.array([[0.5, 2.0]], dtype="float16")
        body = binary_body(
            {
                "inputs": [binary_input("x", [1, 2], "FP16", array.nbytes)],
                "parameters": {"binary_data_output": True},
            },
            array.tobytes(),
        )
        outcome = served.ask(INFER, *body)
        assert outcome.status == 200, outcome.body
        assert outcome.body.endswith(array.tobytes())
        assert b'"datatype":"FP16"' in outcome.body.replace(b" ", b"")

    def test_outputs_have_the_models_names(self, iris: Served) -> None:
        answer = iris.infer({"inputs": [json_input("any name", ROWS, "FP64")]})
        assert answer["outputs"] == [
            {"name": "predict", "datatype": "INT64", "shape": [2], "data": [0, 2]}
        ]

    def test_columns_are_inputs(self, serve: Serve, tmp_path: Path) -> None:
        served = serve(columns(tmp_path / "m.onnx"))
        inputs = [json_input("b", [[10], [20]], "INT64"), json_input("a", [[1], [2]], "FP32")]
        (output,) = served.infer({"inputs": inputs})["outputs"]
        assert (output["name"], output["data"]) == ("sum", [11.0, 22.0])

    def test_what_does_not_fit_is_told(self, serve: Serve, tmp_path: Path) -> None:
        served = serve(columns(tmp_path / "m.onnx"))
        body = json.dumps({"inputs": [json_input("c", [[1.0]], "FP32")]}).encode()
        status, answer = served.refusal(INFER, body)
        assert status == 400
        assert answer == {"error": "The model has the inputs a, b; the request has c."}

    def test_bodies_that_are_merged_are_texts(self, tmp_path: Path, own_alarm: None) -> None:
        path = columns(tmp_path / "m.onnx")
        script = loading.load(Settings(model=str(path)))
        served = Served(script.run, model=script.model, batching="rows", max_batch_size=8)
        inputs = [json_input("a", [[1]], "FP32"), json_input("b", [[2]], "INT64")]
        body = json.dumps({"inputs": inputs}).encode()
        (text,) = served.call(INFER, body).arguments.values()
        assert json.loads(text) == {"inputs": {"a": [[1.0]], "b": [[2]]}}
        assert served.infer({"inputs": inputs})["outputs"][0]["data"] == [3.0]
        outcome = served.ask("/v1/models/model:predict", b'{"instances": [{"a": 1, "b": 2}]}')
        assert json.loads(outcome.body) == {"predictions": [[3.0]]}

    def test_metadata_is_the_models(self, serve: Serve, iris: Served, tmp_path: Path) -> None:
        tensors = serve(
            identity(tmp_path / "m.onnx", TensorProto.STRING, None, 2)
        ).protocols.tensors
        assert tensors == {
            "platform": "onnxruntime_onnx",
            "inputs": [{"name": "x", "datatype": "BYTES", "shape": [-1, 2]}],
            "outputs": [{"name": "y", "datatype": "BYTES", "shape": [-1, 2]}],
        }
        assert iris.protocols.tensors["inputs"] == [
            {"name": "data", "datatype": "FP64", "shape": [-1, 4]}
        ]


class TestOthers:
    def test_v1(self, iris: Served) -> None:
        for members in ({"instances": ROWS}, {"inputs": ROWS}):
            outcome = iris.ask("/v1/models/model:predict", json.dumps(members).encode())
            assert json.loads(outcome.body) == {"predictions": [0, 2]}

    def test_v1_of_columns(self, serve: Serve, tmp_path: Path) -> None:
        served = serve(columns(tmp_path / "m.onnx"))
        rows = {"instances": [{"a": 1, "b": 10}, {"a": 2, "b": 20}]}
        tensors = {"inputs": {"a": [[1], [2]], "b": [[10], [20]]}}
        for members in (rows, tensors):
            outcome = served.ask("/v1/models/model:predict", json.dumps(members).encode())
            assert json.loads(outcome.body) == {"predictions": [[11.0], [22.0]]}

    def test_mlflow(self, iris: Served) -> None:
        split = {"dataframe_split": {"columns": list("abcd"), "data": ROWS}}
        as_json = [("content-type", "application/json")]
        outcome = iris.ask("/invocations", json.dumps(split).encode(), as_json)
        assert json.loads(outcome.body) == {"predictions": [0, 2]}
        text = "a,b,c,d\n" + "\n".join(",".join(map(str, row)) for row in ROWS)
        outcome = iris.ask("/invocations", text.encode(), [("content-type", "text/csv")])
        assert json.loads(outcome.body) == {"predictions": [0, 2]}

    def test_bodies_of_numpy(self, iris: Served) -> None:
        buffer = io.BytesIO()
        np.save(buffer, np.array(ROWS))
        headers = [("content-type", "application/x-npy"), ("accept", "application/x-npy")]
        outcome = iris.ask("/score", buffer.getvalue(), headers)
        assert np.load(io.BytesIO(outcome.body)).tolist() == [0, 2]

    def test_bodies_of_json_are_as_ever(self, iris: Served) -> None:
        outcome = iris.ask("/score", json.dumps({"data": ROWS, "method": "predict"}).encode())
        assert json.loads(outcome.body) == {"predict": [0, 2]}
