"""What Azure's own SDKs have deployed on this machine: shown beside our services, and left alone.

Their containers are known by the labels that the SDKs give them, of which those that are pickles
are never read: `azureml/core/webservice/local.py` of azureml-core 1.61, and
`azure/ai/ml/_local_endpoints/docker_client.py` of azure-ai-ml 1.35.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from scoreserve.deploy.running.engine import Container, Engine
from scoreserve.deploy.running.services import answer_of, see
from scoreserve.deploy.running.states import Verdict, judge

_V1, _V2 = "azureml-core", "azure-ai-ml"  # the SDKs, as PyPI has them
_PORT = 5001  # inside, unless a label says otherwise
_PATIENCE_SECONDS = 310.0  # what the cloud gives a container to become healthy


@dataclass(frozen=True)
class SdkService:
    """One of their services, with the SDK that has started it. The port is one of this machine, or
    None where it does not run; the paths are those for scoring and for readiness.
    """

    name: str
    sdk: str
    container: Container
    port: int | None
    scoring_path: str = "/score"
    readiness_path: str = "/"

    @property
    def scoring_uri(self) -> str | None:
        """Where clients send requests."""
        return None if self.port is None else f"http://127.0.0.1:{self.port}{self.scoring_path}"


def sdk_services(engine: Engine) -> list[SdkService]:
    """Those of both SDKs, by name. Raises DeploymentError."""
    return sorted([*_of_v1(engine), *_of_v2(engine)], key=lambda each: each.name)


def verdict(engine: Engine, service: SdkService) -> Verdict:
    """The state of one. That it has been healthy before is not known."""
    status = answer_of(service.container, service.port, service.readiness_path)
    return judge(see(engine, service.container, status), _PATIENCE_SECONDS)


def hint(engine: Engine, name: str) -> str:
    """What to say where no service of ours has this name, and one of theirs has; else nothing."""
    sdk = next((each.sdk for each in sdk_services(engine) if each.name == name), None)
    return f"; {name} was deployed with {sdk}, which shows and deletes it too" if sdk else ""


def _of_v1(engine: Engine) -> Iterator[SdkService]:
    for container in engine.containers({"amlIsService": "True"}):
        name = container.labels.get("amlServiceName", container.name)
        yield SdkService(name, _V1, container, container.ports.get(_PORT))


def _of_v2(engine: Engine) -> Iterator[SdkService]:
    for container in engine.containers({"azureml-local-endpoint": "", "deployment": ""}):
        its = container.labels
        if not its["deployment"]:  # an endpoint without a deployment, which serves nothing
            continue
        routes = _routes(its.get("deployment-data", ""))
        port = its.get("azureml-port", "")
        yield SdkService(
            name=f"{its.get('endpoint', '')}.{its['deployment']}",
            sdk=_V2,
            container=container,
            port=container.ports.get(int(port) if port.isdecimal() else _PORT),
            **routes,
        )


def _routes(document: str) -> dict[str, str]:
    """The paths of an image that has a server of its own."""
    found: dict[str, str] = {}
    with suppress(ValueError, KeyError, TypeError):
        routes = json.loads(document)["environment"]["inference_config"]
        for field in ("scoring", "readiness"):
            found[f"{field}_path"] = str(routes[f"{field}_route"]["path"])
    return found
