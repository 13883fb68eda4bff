"""What Azure's SDKs have deployed, by the labels that they give their containers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scoreserve.deploy.running import services
from scoreserve.deploy.running.engine import Container
from scoreserve.deploy.running.sdk_services import sdk_services, verdict
from scoreserve.deploy.running.states import State
from tests.deploy.running.fake_engine import FakeEngine

V1 = {"amlIsService": "True", "amlServiceName": "linear", "containerName": "linear"}
V2 = {
    "azureml-local-endpoint": "",
    "endpoint": "my-endpoint",
    "deployment": "blue",
    "deployment-data": "{}",
    "azureml-port": "5001",
}
ROUTES = {
    "scoring_route": {"path": "/v1/predict", "port": 8000},
    "readiness_route": {"path": "/ready", "port": 8000},
}
OWN_SERVER = json.dumps({"environment": {"inference_config": ROUTES}})


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """In which 127.0.0.1:7000 is healthy, at two paths, and nothing else answers."""
    healthy = {(7000, "/"), (7000, "/ready")}
    monkeypatch.setattr(
        services, "status_of", lambda port, path: 200 if (port, path) in healthy else None
    )
    return FakeEngine()


def put(engine: FakeEngine, labels: dict[str, str], **about: Any) -> None:
    container = Container(
        id=f"id{len(engine.made)}",
        name="name",
        image="image",
        labels=labels,
        **{"status": "running", "ports": {5001: 7000}, "started": 1.0, **about},
    )
    engine.made[container.id] = container


def test_a_service_of_v1(engine: FakeEngine) -> None:
    put(engine, V1)
    (found,) = sdk_services(engine)
    assert (found.name, found.sdk) == ("linear", "azureml-core")
    assert found.scoring_uri == "http://127.0.0.1:7000/score"
    assert verdict(engine, found).state is State.HEALTHY


def test_a_deployment_of_v2_and_not_the_endpoint_alone(engine: FakeEngine) -> None:
    put(engine, V2)
    put(engine, {**V2, "deployment": ""})
    (found,) = sdk_services(engine)
    assert (found.name, found.sdk) == ("my-endpoint.blue", "azure-ai-ml")
    assert found.scoring_uri == "http://127.0.0.1:7000/score"


def test_a_server_of_its_own_is_asked_by_its_routes(engine: FakeEngine) -> None:
    put(
        engine,
        {**V2, "azureml-port": "8000", "deployment-data": OWN_SERVER},
        ports={8000: 7000},
    )
    (found,) = sdk_services(engine)
    assert found.scoring_uri == "http://127.0.0.1:7000/v1/predict"
    assert verdict(engine, found).state is State.HEALTHY


@pytest.mark.parametrize("document", ["", "no JSON", "[]", '{"environment": null}', '{"a": 1}'])
def test_documents_that_say_nothing_of_routes(engine: FakeEngine, document: str) -> None:
    put(engine, {**V2, "deployment-data": document, "azureml-port": "unknown"})
    (found,) = sdk_services(engine)
    assert (found.port, found.scoring_path, found.readiness_path) == (7000, "/score", "/")


def test_one_that_has_ended_is_failed(engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "last_lines", lambda _container, _lines: "ValueError: no weights")
    put(engine, V1, status="exited", exit_code=3, ports={})
    (found,) = sdk_services(engine)
    assert found.scoring_uri is None
    told = verdict(engine, found)
    assert (told.state, told.reason) == (
        State.FAILED,
        "it ended with exit code 3: ValueError: no weights",
    )
