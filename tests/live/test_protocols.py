"""Other protocols than /score's on a real server: tensors on the wire, and calls that meet."""

from __future__ import annotations

import gzip
import json
import struct
from typing import Any

import pytest

from tests.live.conftest import Serve
from tests.live.many_clients import ALL_MAY_WAIT, ask_all
from tests.servers import Server

INFER = "/v2/models/model/infer"
ALL = {"SCORESERVE_PROTOCOLS": "v2,v1,mlflow,formats", "SCORESERVE_GZIP_BODIES": "true"}

ARRAYS = """
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init():
    pass

@input_schema("data", NumpyParameterType(np.zeros((1, 2), np.float32)))
def run(data):
    data *= 2  # in place: the array is the script's own
    return data.sum(axis=1)
"""

# Weights that are exact in floats: the answer says which rows the model was given.
MODEL = """
import numpy as np
from sklearn.linear_model import LinearRegression
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

def init():
    global model
    model = LinearRegression().fit(np.eye(2), [0, 0])
    model.coef_, model.intercept_ = np.array([2.0, 0.5]), 0.25

@input_schema("data", NumpyParameterType(np.zeros((1, 2))))
def run(data):
    return model.predict(data)
"""


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def infer(server: Server, members: dict[str, Any], raw: bytes, **headers: str) -> Any:
    """The answer to a V2 request with raw bytes: its JSON, and the raw bytes after it."""
    text = json.dumps(members).encode()
    length = {"Inference-Header-Content-Length": str(len(text)), **headers}
    reply = server.send("POST", INFER, text + raw, length).reply()
    assert reply.status == 200, reply.body
    size = int(reply.headers.get("inference-header-content-length", len(reply.body)))
    return json.loads(reply.body[:size]), reply.body[size:]


def rows_input(size: int, rows: int) -> dict[str, Any]:
    parameters = {"binary_data_size": size}
    return {"name": "data", "shape": [rows, 2], "datatype": "FP32", "parameters": parameters}


def test_small_and_large_tensors_come_and_go_as_bytes(serve: Serve) -> None:
    """Large ones have a frame of their own on the way to the worker, and back."""
    with serve(ARRAYS, env=ALL) as server:
        for rows in (1, 3, 200_000):
            raw = floats(*range(2 * rows))
            members = {
                "id": str(rows),
                "inputs": [rows_input(len(raw), rows)],
                "parameters": {"binary_data_output": True},
            }
            told, answer = infer(server, members, raw)
            assert (told["id"], told["outputs"][0]["shape"]) == (str(rows), [rows])
            assert answer == floats(*(2.0 * (4 * row + 1) for row in range(rows)))


def test_each_protocol_is_spoken_beside_score(serve: Serve) -> None:
    rows = {"instances": [[1, 2]]}
    with serve(ARRAYS, env=ALL) as server:

        def post(path: str, members: Any, **headers: str) -> Any:
            content = gzip.compress(json.dumps(members).encode())
            named = {"Content-Type": "application/json", "Content-Encoding": "gzip", **headers}
            reply = server.send("POST", path, content, named).reply()
            assert reply.status == 200, reply.body
            return reply.json()

        assert post("/score", {"data": [[1, 2]]}) == [6]
        assert post("/v1/models/model:predict", rows) == {"predictions": [6]}
        assert post("/invocations", rows) == {"predictions": [6]}
        data = {"name": "data", "shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
        assert post(INFER, {"inputs": [data]})["outputs"][0]["data"] == [6]
        csv = server.score("a,b\n1,2\n", Content_Type="text/csv", Accept="text/csv")
        assert csv.body == b"6.0\n"
        described = server.get("/v2/models/model").json()
        assert described["inputs"] == [{"name": "data", "datatype": "FP32", "shape": [-1, 2]}]
        assert server.get("/v2/health/ready").json() == {"ready": True}


def test_what_cannot_be_read_ends_nothing(serve: Serve) -> None:
    with serve(ARRAYS, env=ALL) as server:
        (worker,) = server.workers()
        raw = floats(1, 2)
        for size, rows, sent in ((8, 2, raw), (9, 1, raw), (2**62, 1, raw), (8, 1, raw[:-1])):
            text = json.dumps({"inputs": [rows_input(size, rows)]}).encode()
            headers = {"Inference-Header-Content-Length": str(len(text))}
            reply = server.send("POST", INFER, text + sent, headers).reply()
            assert (reply.status, list(reply.json())) == (400, ["error"])
        assert infer(server, {"inputs": [rows_input(8, 1)]}, raw)[0]["outputs"][0]["data"] == [6]
        assert server.workers() == [worker]


@pytest.mark.parametrize("path", [INFER, "/v1/models/model:predict"])
def test_calls_meet_in_the_model(serve: Serve, path: str) -> None:
    """As those of /score do, each with its own answer."""

    def body(number: int) -> str:
        rows = [[float(number), 1.0]]
        if path != INFER:
            return json.dumps({"instances": rows})
        data = {"name": "data", "shape": [1, 2], "datatype": "FP64", "data": rows}
        return json.dumps({"id": str(number), "inputs": [data]})

    env = {**ALL, "SCORESERVE_MAX_BATCH_SIZE": "64", **ALL_MAY_WAIT}
    with serve(MODEL, env=env) as server:
        bodies = [body(number) for number in range(1000)]
        answers = ask_all(server, bodies, path)
        for number, text in enumerate(bodies):
            answer = answers[text]
            assert answer.status == 200
            if path == INFER:
                assert answer.body["id"] == str(number)
                assert answer.body["outputs"][0]["data"] == [2.0 * number + 0.75]
            else:
                assert answer.body == {"predictions": [2.0 * number + 0.75]}
        assert server.get("/health/ready").json()["batching"]["merged_requests"] > 100


def test_numpy_must_be_there(launch: Serve) -> None:
    hidden = "import sys\nsys.modules['numpy'] = None\ndef init(): pass\ndef run(data): return 1\n"
    with launch(hidden, env={"SCORESERVE_PROTOCOLS": "v1"}) as server:
        assert server.wait_exit() == 3
        assert "SCORESERVE_PROTOCOLS=v1 needs numpy" in server.output


def test_an_unknown_protocol_is_refused(launch: Serve) -> None:
    script = "def init(): pass\ndef run(data): return 1\n"
    with launch(script, env={"SCORESERVE_PROTOCOLS": "v2,v3"}) as server:
        assert server.wait_exit() == 3
        assert "there is no 'v3'" in server.output
