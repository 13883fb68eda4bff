"""The YAML files of the guides to Kubernetes and to managed endpoints fit the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from scoreserve.settings import Settings, sources
from tests.docs.fences import fences

GUIDES = Path(__file__).parents[2] / "docs/guides"
PROBES = {"/health/live", "/health/ready"}
SETTINGS = {variable for _, source in sources() for variable in source.env if source.read_env}


def documents(page: str, file: str) -> list[dict[str, Any]]:
    [text] = [fence.text for fence in fences(GUIDES / page) if fence.title == file]
    return list(yaml.safe_load_all(text))


def test_the_deployment_asks_for_what_the_server_has() -> None:
    deployment, service, budget = documents("kubernetes.md", "my-model.yaml")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels == service["spec"]["selector"] == budget["spec"]["selector"]["matchLabels"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    [port] = container["ports"]
    assert port["containerPort"] == Settings().port
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")]
    assert {probe["port"] for probe in probes} == {port["name"]}
    assert {probe["path"] for probe in probes} == PROBES
    assert {variable["name"] for variable in container["env"]} <= SETTINGS


def test_the_pod_is_given_the_time_that_the_server_takes_to_stop() -> None:
    pod = documents("kubernetes.md", "my-model.yaml")[0]["spec"]["template"]["spec"]
    env = {variable["name"]: variable["value"] for variable in pod["containers"][0]["env"]}
    delay, drain = env["SCORESERVE_DRAIN_DELAY_SECONDS"], env["SCORESERVE_DRAIN_SECONDS"]
    assert pod["terminationGracePeriodSeconds"] > int(delay) + int(drain)


def test_the_endpoint_asks_for_what_the_server_has() -> None:
    [deployment] = documents("managed-endpoint.md", "deployment.yml")
    routes = deployment["environment"]["inference_config"]
    assert {route["port"] for route in routes.values()} == {Settings().port}
    assert {route["path"] for route in routes.values()} == PROBES | {"/score"}
    assert set(deployment["environment_variables"]) <= SETTINGS
    [endpoint] = documents("managed-endpoint.md", "endpoint.yml")
    assert deployment["endpoint_name"] == endpoint["name"]
