"""Steps with azureml-core's services in the cloud. Arguments: which kind of service, or `package`,
and a folder with the files that the steps name.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import requests
from azureml.core import Model, Webservice, Workspace
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice, AksWebservice
from azureml.exceptions import WebserviceException

from tests.images.sdk.clients.environments import of_dockerfile
from tests.images.sdk.clients.workspaces import connect

_NAME = "scoreserve-test-cloud"
_DEPLOYMENTS = {
    "aci": AciWebservice.deploy_configuration(
        cpu_cores=1, memory_gb=1, auth_enabled=True, tags={"area": "test"}
    ),
    "aks": AksWebservice.deploy_configuration(
        autoscale_enabled=False,
        num_replicas=1,
        cpu_cores=1,
        memory_gb=1,
        compute_target_name="cluster",
        tags={"area": "test"},
    ),
}


def deploy(ws: Workspace, kind: str) -> dict[str, Any]:
    """Deploys, with keys; on ACI updates the script, too; deletes."""
    body = Path("request.json").read_text()
    service = Model.deploy(ws, _NAME, [_model(ws)], _config(), _DEPLOYMENTS[kind])
    found: dict[str, Any] = {}
    try:
        service.wait_for_deployment(show_output=True)
        found["deployed"] = service.run(body)
        found["without_key"] = requests.post(service.scoring_uri, data=body).status_code
        found["keys"] = service.get_keys()
        if kind == "aci":
            shutil.copy("reloaded.py", "source/score.py")
            service.update(inference_config=_config())
            service.wait_for_deployment()
            found["updated"] = service.run(body)
    except WebserviceException as error:
        found["error"] = error.message
    found |= {"state": service.state, "tags": service.tags, "logs": service.get_logs()}
    service.delete()
    return {**found, "left": [each.name for each in Webservice.list(ws)]}


def package(ws: Workspace) -> dict[str, Any]:
    """Saves what an image is built from in `context`."""
    made = Model.package(ws, [_model(ws)], _config(), generate_dockerfile=True)
    made.wait_for_creation()
    made.save("context")
    return made.serialize()  # type: ignore[no-any-return]


def _model(ws: Workspace) -> Model:
    return Model.register(ws, model_path="first/model.json", model_name="linear")


def _config() -> InferenceConfig:
    environment = of_dockerfile(Path("BaseDockerfile"))
    return InferenceConfig("score.py", source_directory="source", environment=environment)


if __name__ == "__main__":
    os.chdir(sys.argv[2])
    step, workspace = sys.argv[1], connect()
    print(json.dumps(package(workspace) if step == "package" else deploy(workspace, step)))
