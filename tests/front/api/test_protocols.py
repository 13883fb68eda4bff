"""The routes of V2, V1 and MLflow: what the front answers itself, and in whose words."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from scoreserve.errors import NotReady, QueueTimeout, WorkerLost
from scoreserve.front.workers.worker_process import Script
from tests.front import fakes
from tests.front.conftest import FakeFront
from tests.front.fakes import Exchange, turns

INFER = "/v2/models/digits/infer"
SCORED = (
    INFER,
    "/v2/models/digits/versions/3/infer",
    "/v1/models/digits:predict",
    "/invocations",
)
TENSORS = {"platform": "azureml_script", "inputs": [], "outputs": []}


@pytest.fixture
def front() -> FakeFront:
    """A front that speaks all protocols, of the model that Azure ML mounts as digits/3."""
    return speaking("v2,v1,mlflow,formats")


def speaking(protocols: str, **settings: Any) -> FakeFront:
    front = FakeFront(protocols=protocols, model_dir="/models/digits/3", **settings)
    front.workers.script = Script(tensors=TENSORS)
    return front


def ask(front: FakeFront, path: str, method: str = "GET", **options: Any) -> fakes.Response:
    """The response to a request that needs no worker."""
    return asyncio.run(front.ask(Exchange(method, path, **options)))


def answer(front: FakeFront, path: str) -> tuple[int, Any]:
    response = ask(front, path)
    assert response.header(b"content-type") == b"application/json"
    return response.status, json.loads(response.body)


class TestReads:
    @pytest.mark.parametrize(
        ("path", "expected"),
        [
            ("/v2/health/live", {"live": True}),
            ("/v2/health/ready", {"ready": True}),
            ("/v2/models/digits", {"name": "digits", "versions": ["3"], **TENSORS}),
            ("/v2/models/digits/versions/3", {"name": "digits", "versions": ["3"], **TENSORS}),
            ("/v2/models/digits/ready", {"name": "digits", "ready": True}),
            ("/v2/models/digits/versions/3/ready", {"name": "digits", "ready": True}),
            ("/v1/models", {"models": ["digits"]}),
            ("/v1/models/digits", {"name": "digits", "ready": True}),
        ],
    )
    def test_are_answered(self, front: FakeFront, path: str, expected: Any) -> None:
        assert answer(front, path) == (200, expected)

    def test_the_server_tells_its_extensions(self, front: FakeFront) -> None:
        status, told = answer(front, "/v2")
        assert (status, told["name"]) == (200, "scoreserve")
        assert told["extensions"] == ["binary_tensor_data"]

    def test_the_document_has_a_request_that_the_model_takes(self, front: FakeFront) -> None:
        inputs = [
            {"name": "rows", "datatype": "FP32", "shape": [-1, 2]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
        ]
        front.workers.script = Script(tensors={**TENSORS, "inputs": inputs})
        status, document = answer(front, "/v2/openapi.json")
        assert (status, document["openapi"]) == (200, "3.0.3")
        infer = document["paths"]["/v2/models/digits/infer"]["post"]
        assert infer["requestBody"]["content"]["application/json"]["example"] == {
            "inputs": [
                {"name": "rows", "datatype": "FP32", "shape": [1, 2], "data": [0, 0]},
                {"name": "label", "datatype": "BYTES", "shape": [1], "data": [""]},
            ]
        }
        for path, operations in document["paths"].items():
            if "get" in operations and path != "/v2/openapi.json":
                assert ask(front, path).status == 200

    @pytest.mark.parametrize("path", ["/ping", "/health"])
    def test_mlflows_probes(self, front: FakeFront, path: str) -> None:
        assert ask(front, path).status == 200
        front.workers.error = NotReady("init() runs")
        assert ask(front, path).status == 503

    def test_while_no_worker_is_ready(self, front: FakeFront) -> None:
        front.workers.error = NotReady("init() runs")
        assert answer(front, "/v2/health/live") == (200, {"live": True})
        assert answer(front, "/v2/health/ready") == (503, {"ready": False})
        assert answer(front, "/v2/models/digits/ready")[0] == 503
        assert answer(front, "/v2/models/digits") == (503, {"error": "init() runs"})


class TestRefusals:
    @pytest.mark.parametrize(
        "path",
        [
            "/v2/models/other",
            "/v2/models/other/ready",
            "/v2/models/digits/versions/4",
            "/v1/models/other",
        ],
    )
    def test_another_model_or_version(self, front: FakeFront, path: str) -> None:
        status, told = answer(front, path)
        assert (status, list(told)) == (404, ["error"])
        assert "'digits', in version '3'" in told["error"]

    @pytest.mark.parametrize(
        "path", ["/v2/models/other/infer", "/v2/models/digits/versions/4/infer"]
    )
    def test_are_not_scored(self, front: FakeFront, path: str) -> None:
        assert ask(front, path, "POST").status == 404
        assert not front.worker.batches

    @pytest.mark.parametrize(
        "path", ["/v2/repository/index", "/v2/models/digits/stats", "/v2/trace", "/v2/models"]
    )
    def test_extensions_that_are_not_here(self, front: FakeFront, path: str) -> None:
        status, told = answer(front, path)
        assert (status, list(told)) == (404, ["error"])

    def test_another_method(self, front: FakeFront) -> None:
        status, told = answer(front, INFER)
        assert (status, list(told)) == (405, ["error"])

    def test_a_body_that_is_too_long(self, front: FakeFront) -> None:
        for path in SCORED:
            response = ask(front, path, "POST", chunks=[b"12345678901"], leaves=True)
            told = json.loads(response.body)
            assert response.status == 413
            assert (told.get("error") or told["message"]).startswith("The request body is larger")
        assert told["error_code"] == "BAD_REQUEST"

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (NotReady("init() runs"), 503),
            (WorkerLost("it died"), 500),
            (QueueTimeout(5, 1), 503),
        ],
    )
    def test_what_becomes_of_a_job(self, front: FakeFront, error: Any, status: int) -> None:
        async def asked() -> fakes.Response:
            front.attach()
            response = asyncio.ensure_future(front.ask(Exchange("POST", INFER)))
            await turns()
            front.hand_over()
            front.dispatcher.fail_all(error)
            return await response

        response = asyncio.run(asked())
        assert response.status == status
        assert json.loads(response.body) == {"error": error.message}
        assert response.header(b"content-length") == b"%d" % len(response.body)
        assert response.header(b"x-request-id")


class TestScored:
    @pytest.mark.parametrize("path", SCORED)
    def test_go_to_the_worker_as_they_came(self, front: FakeFront, path: str) -> None:
        async def asked() -> fakes.Response:
            front.attach()
            return await front.score(Exchange("POST", path, chunks=[b"12", b"3"]))

        assert asyncio.run(asked()).status == 200
        ((job,),) = front.worker.batches
        assert job.body == b"123"
        assert job.head.startswith(b"POST\0" + path.encode() + b"\0")

    def test_are_counted_by_path(self, front: FakeFront) -> None:
        ask(front, INFER, "OPTIONS")
        ask(front, "/v2/models/other/infer", "POST")
        assert front.metrics.routes[INFER].answers == {(b"OPTIONS", 200): 1}
        assert front.metrics.routes["other"].answers == {(b"POST", 404): 1}


class TestKeys:
    @pytest.mark.parametrize("path", SCORED)
    def test_are_needed_to_score(self, path: str) -> None:
        front = speaking("v2,v1,mlflow", api_keys=("k",))
        response = ask(front, path, "POST")
        told = json.loads(response.body)
        assert response.status == 401
        assert "API key" in (told.get("error") or told["message"])

    def test_are_needed_for_what_goes_in_and_out(self) -> None:
        front = speaking("v2", api_keys=("k",))
        assert ask(front, "/v2/models/digits").status == 401
        allowed = [(b"authorization", b"Bearer k")]
        assert ask(front, "/v2/models/digits", headers=allowed).status == 200

    @pytest.mark.parametrize("path", ["/v2/health/ready", "/v2/models/digits/ready", "/ping"])
    def test_probes_need_none(self, path: str) -> None:
        assert ask(speaking("v2,mlflow", api_keys=("k",)), path).status == 200


@pytest.mark.parametrize("protocols", ["", "formats"])
@pytest.mark.parametrize("path", ["/v2", "/v1/models", "/ping", "/health", *SCORED])
def test_there_are_none_unless_asked(protocols: str, path: str) -> None:
    response = ask(speaking(protocols), path, "POST")
    assert response.status == 404
    assert list(json.loads(response.body)) == ["message"]
