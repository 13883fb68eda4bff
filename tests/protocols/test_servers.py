"""The same V2 requests to MLServer, to KServe's model server and to ours, around the same model.

What they answer differently is listed, with why ours is as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.protocols.peers import Answer, peer, request
from tests.protocols.scripts import SUMS
from tests.servers import serve

pytestmark = pytest.mark.protocols

ROWS = np.arange(8, dtype="<f4").reshape(2, 4)
DATA = {"name": "data", "shape": [2, 4], "datatype": "FP32", "data": ROWS.tolist()}
FLAT = {**DATA, "data": ROWS.ravel().tolist()}
INFER = "/v2/models/echo/infer"
ENV = {"SCORESERVE_PROTOCOLS": "v2,v1", "SCORESERVE_MODEL_NAME": "echo"}

ANSWERED: dict[str, Any] = {
    "nested": {"inputs": [DATA]},
    "in a row": {"inputs": [FLAT]},
    "with an id": {"id": "7", "inputs": [DATA]},
    "with parameters": {"inputs": [DATA], "parameters": {"any": "thing"}},
    "with an output": {"inputs": [DATA], "outputs": [{"name": "output-0"}]},
    "one row": {"inputs": [{**DATA, "shape": [1, 4], "data": [[1, 2, 3, 4]]}]},
}

# Statuses of MLServer, KServe and ours. A V2 request that is wrong is 400 in the protocol.
REFUSED: dict[str, tuple[Any, tuple[int, int, int]]] = {
    # FastAPI's 422 for what its models do not take.
    "no inputs": ({}, (422, 422, 400)),
    "no shape": ({"inputs": [{"name": "data", "datatype": "FP32", "data": []}]}, (422, 422, 400)),
    "no JSON": ("{", (422, 422, 400)),
    # Their codecs reshape in the model's own code, whose errors are 500.
    "too few elements": ({"inputs": [{**DATA, "data": [1, 2]}]}, (500, 500, 400)),
    # MLServer's schema knows the datatypes, KServe's codec fails.
    "no datatype of the protocol": ({"inputs": [{**DATA, "datatype": "FP31"}]}, (422, 400, 400)),
}
READS = {
    "/v2/health/live": (200, 200, 200),
    "/v2/health/ready": (200, 200, 200),
    "/v2": (200, 200, 200),
    "/v2/models/echo": (200, 200, 200),
    "/v2/models/echo/ready": (200, 200, 200),
    "/v2/models/nobody": (404, 404, 404),
    "/v2/models/nobody/ready": (404, 404, 404),
    "/v2/models/echo/versions/1": (200, 501, 200),  # KServe's models have no versions
}

Addresses = tuple[str, str, str]


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Where MLServer, KServe and ours listen."""
    directory = tmp_path_factory.mktemp("servers")
    ready = "/v2/models/echo/ready"
    with (
        peer("clients", "mlserver_server", directory, ready) as mlserver,
        peer("kserve", "kserve_server", directory, ready) as kserve,
        serve(SUMS, directory, env=ENV) as server,
    ):
        yield mlserver, kserve, f"http://127.0.0.1:{server.port}"


def infer(address: str, members: Any) -> Answer:
    body = members if isinstance(members, str) else json.dumps(members)
    return request(address + INFER, body.encode(), {"Content-Type": "application/json"})


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_answered_is_answered_the_same(addresses: Addresses, name: str) -> None:
    for address in addresses:
        answer = infer(address, ANSWERED[name])
        assert answer.status == 200, answer
        told = answer.json()
        assert told["model_name"] == "echo"
        # They make up an id where a request has none; the protocol does not ask for it.
        assert told.get("id") == ANSWERED[name].get("id") or "id" not in ANSWERED[name]
        (output,) = told["outputs"]
        rows = np.array(ANSWERED[name]["inputs"][0]["data"]).reshape(-1, 4)
        assert (output["name"], output["datatype"]) == ("output-0", "FP32")
        assert output["data"] == rows.sum(axis=1).tolist()
        # MLServer's codec makes a column of a row: [2, 1].
        assert output["shape"] in ([len(rows)], [len(rows), 1])
    assert output["shape"] == [len(rows)]


def test_binary_tensors_are_answered_as_by_kserve(addresses: Addresses) -> None:
    """MLServer has none."""
    _, kserve, ours = addresses
    parameters = {"binary_data_size": ROWS.nbytes}
    data = {"name": "data", "shape": [2, 4], "datatype": "FP32", "parameters": parameters}
    head = json.dumps(
        {"inputs": [data], "outputs": [{"name": "output-0", "parameters": {"binary_data": True}}]}
    ).encode()
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(head)),
    }
    for address in (kserve, ours):
        answer = request(address + INFER, head + ROWS.tobytes(), headers)
        assert answer.status == 200, answer
        size = int(answer.headers["inference-header-content-length"])
        (output,) = json.loads(answer.body[:size])["outputs"]
        assert (output["datatype"], output["shape"]) == ("FP32", [2])
        assert np.frombuffer(answer.body[size:], "<f4").tolist() == [6, 22]


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(addresses: Addresses, name: str) -> None:
    members, statuses = REFUSED[name]
    answers = [infer(address, members) for address in addresses]
    assert tuple(answer.status for answer in answers) == statuses
    assert list(answers[-1].json()) == ["error"]


@pytest.mark.parametrize("path", READS)
def test_what_is_read(addresses: Addresses, path: str) -> None:
    answers = [request(address + path) for address in addresses]
    assert tuple(answer.status for answer in answers) == READS[path]


def test_v1_is_answered_as_by_kserve(addresses: Addresses) -> None:
    _, kserve, ours = addresses
    body = json.dumps({"instances": ROWS.tolist()}).encode()
    headers = {"Content-Type": "application/json"}
    answers = [
        request(f"{address}/v1/models/echo:predict", body, headers).json()
        for address in (kserve, ours)
    ]
    assert answers == [{"predictions": [6.0, 22.0]}] * 2
