"""azureml-core, of v1: services on this machine, and in a cloud that is one too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.images import podman
from tests.images.sdk.conftest import Sdk
from tests.wheels import write_greetings

pytestmark = pytest.mark.images

SCRIPT = """
import json
import os

from azureml.core.model import Model


def init():
    global model
    print(os.environ.get("NOTE"))
    path = Model.get_model_path("linear")
    assert path.startswith(os.environ["AZUREML_MODEL_DIR"]), path
    with open(path) as file:
        model = json.load(file)


def run(raw_data):
    rows = json.loads(raw_data)["data"]
    return [sum(c * x for c, x in zip(model, row)) for row in rows]
"""

# With the package of the private wheel, and the environment's variable.
GREET = 'import os, greetings\nprint(greetings.greet(os.environ["GREETING"]))\n'

TWO_MODELS = """
import json
import os

from azureml.core.model import Model


def init():
    global models
    print(os.environ["NOTE"])
    models = [json.load(open(Model.get_model_path(f"{name}.json"))) for name in ("first", "second")]


def run(raw_data):
    rows = json.loads(raw_data)["data"]
    return [[sum(c * x for c, x in zip(model, row)) for row in rows] for model in models]
"""

DOCKERFILE = """\
FROM {image}
USER root
ENV NOTE="from the Dockerfile"
"""


@pytest.fixture
def files(azureml_core: Sdk, tmp_path: Path) -> Path:
    """What the programs name."""
    folder = tmp_path / "project"
    for path, text in {
        "source/score.py": SCRIPT,
        "reloaded.py": SCRIPT.replace("return [sum", "return [10 * sum"),
        "first/model.json": "[1, 10, 100]",
        "second/model.json": "[2, 20, 200]",
        "request.json": '{"data": [[1, 2, 3]]}',
        "first.json": "[1, 10, 100]",
        "second.json": "[2, 20, 200]",
        "score.py": TWO_MODELS,
        "BaseDockerfile": DOCKERFILE.format(image=azureml_core.image),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    write_greetings(folder / "wheels")
    return folder


def steps(sdk: Sdk, client: str, which: str, folder: Path) -> Any:
    """What came of a program."""
    done = sdk.run(client, which, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


class TestLocalWebservice:
    def test_of_registered_models(self, azureml_core: Sdk, files: Path) -> None:
        for script in (files / "source" / "score.py", files / "reloaded.py"):
            script.write_text(GREET + script.read_text())
        found = steps(azureml_core, "local_webservices", "registered", files)
        answers = [found[step] for step in ("deployed", "reloaded", "updated")]
        assert answers == [[321], [3210], [6420]]
        assert found["serialized"]["state"] == "running"
        assert found["serialized"]["scoringUri"].endswith(f":{found['serialized']['port']}/score")
        assert "Hello, Hello!" in found["logs"]
        assert "model    /var/azureml-app/azureml-models/linear/2" in found["logs"]
        assert found["listed"] == ["scoreserve-test-local"]
        assert found["state"] == "deleted"

    def test_of_files_and_a_dockerfile(self, azureml_core: Sdk, files: Path) -> None:
        found = steps(azureml_core, "local_webservices", "files", files)
        assert (found.get("deployed"), found["state"]) == ([[321], [642]], "running"), found
        assert "from the Dockerfile" in found["logs"]

    def test_whose_init_fails(self, azureml_core: Sdk, files: Path) -> None:
        script = TWO_MODELS.replace("global models", 'raise ValueError("no weights")')
        (files / "score.py").write_text(script)
        found = steps(azureml_core, "local_webservices", "files", files)
        assert found["error"] == "Error: Container has crashed. Did your init method fail?"
        assert found["state"] == "failed"
        assert "ValueError: no weights" in found["logs"]


class TestInTheCloud:
    def test_a_service_of_aci(self, azureml_core: Sdk, files: Path) -> None:
        found = steps(azureml_core, "cloud_webservices", "aci", files)
        assert (found.get("deployed"), found.get("updated")) == ([321], [3210]), found
        assert (found["without_key"], len(set(found["keys"]))) == (401, 2)
        assert (found["state"], found["tags"]) == ("Healthy", {"area": "test"})
        assert "from the Dockerfile" in found["logs"]
        assert found["left"] == []

    def test_a_service_of_aks(self, azureml_core: Sdk, files: Path) -> None:
        found = steps(azureml_core, "cloud_webservices", "aks", files)
        assert (found.get("deployed"), found["without_key"]) == ([321], 401), found
        assert (found["state"], found["left"]) == ("Healthy", [])

    def test_a_package(self, azureml_core: Sdk, files: Path) -> None:
        made = steps(azureml_core, "cloud_webservices", "package", files)
        assert made["state"] == "Succeeded"
        image = podman.build(files / "context", "scoreserve-test-package", "--tls-verify=false")
        with podman.run(image, files, mount=False) as container:
            container.wait_healthy()
            assert container.score((files / "request.json").read_text()).json() == [321]
