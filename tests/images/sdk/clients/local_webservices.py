"""Steps with azureml-core's LocalWebservice. Arguments: which steps, and a folder with the files
that they name.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from azureml.core import Model, Workspace
from azureml.core.model import InferenceConfig
from azureml.core.webservice import LocalWebservice
from azureml.exceptions import WebserviceException

from tests.images.sdk.clients.environments import of_dockerfile, with_packages
from tests.images.sdk.clients.workspaces import connect

_NAME = "scoreserve-test-local"


def registered(ws: Workspace) -> dict[str, Any]:
    """Deploys the first version of a model with a folder of source, loads the script anew, updates
    to the second version, deletes.
    """
    environment = with_packages(ws, next(Path("wheels").iterdir()))
    config = InferenceConfig("score.py", source_directory="source", environment=environment)
    body = Path("request.json").read_text()
    model = Model.register(ws, model_path="first/model.json", model_name="linear")
    service = Model.deploy(ws, _NAME, [model], config, LocalWebservice.deploy_configuration())
    service.wait_for_deployment()
    found: dict[str, Any] = {"deployed": service.run(body), "serialized": service.serialize()}
    shutil.copy("reloaded.py", "source/score.py")
    service.reload()
    found["reloaded"] = service.run(body)
    model = Model.register(ws, model_path="second/model.json", model_name="linear")
    service.update(models=[model], inference_config=config)
    found["updated"] = service.run(body)
    found["logs"] = LocalWebservice(ws, _NAME).get_logs()
    found["listed"] = [each.name for each in LocalWebservice.list(ws)]
    service.delete(delete_image=True)
    return {**found, "state": service.state}


def files(ws: Workspace) -> dict[str, Any]:
    """Deploys models that nobody has registered with a Dockerfile and a script alone; deletes."""
    config = InferenceConfig("score.py", environment=of_dockerfile(Path("BaseDockerfile")))
    models = ["first.json", "second.json"]
    service = Model.deploy(ws, _NAME, models, config, LocalWebservice.deploy_configuration())
    found: dict[str, Any] = {}
    try:
        service.wait_for_deployment()
        found["deployed"] = service.run(Path("request.json").read_text())
    except WebserviceException as error:
        found["error"] = error.message
    found |= {"state": service.state, "logs": service.get_logs()}
    service.delete(delete_image=True)
    return found


_STEPS = {steps.__name__: steps for steps in (registered, files)}

if __name__ == "__main__":
    os.chdir(sys.argv[2])
    print(json.dumps(_STEPS[sys.argv[1]](connect())))
