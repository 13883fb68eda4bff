"""Local endpoints of azure-ai-ml, of v2."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.sample_deployments import BLUE, SAMPLES, copy_of
from tests.images.conftest import CPU
from tests.images.sdk.conftest import Sdk

pytestmark = pytest.mark.images

AZURE_S = "mcr.microsoft.com/azureml/minimal-py312-inference:latest"
CONDA = "name: mine\nchannels: [conda-forge]\ndependencies:\n  - pip\n"
OWN_SERVER = """
  inference_config:
    liveness_route: {path: /, port: 5001}
    readiness_route: {path: /, port: 5001}
    scoring_route: {path: /score, port: 5001}
"""


@pytest.fixture
def files(azure_ai_ml: Sdk, tmp_path: Path) -> Path:
    """A deployment on our image, with a request."""
    folder = copy_of(BLUE, tmp_path)
    replace(folder / "deployment.yml", AZURE_S, azure_ai_ml.image)
    (folder / "request.json").write_text('{"data": [[1, 2, 3]]}')
    return folder


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def steps(sdk: Sdk, folder: Path) -> Any:
    """Creates, asks, updates and deletes; what came of it."""
    done = sdk.run("online_endpoints", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_an_endpoint_on_our_image(azure_ai_ml: Sdk, files: Path) -> None:
    updated = files / "updated"
    shutil.copytree(SAMPLES / "v2-blue" / "onlinescoring", updated)
    replace(updated / "score.py", "return [sum", "return [2 * sum")
    text = (files / "deployment.yml").read_text()
    (files / "updated.yml").write_text(text.replace("./onlinescoring", "./updated"))
    found = steps(azure_ai_ml, files)
    assert (found["answer"], found["updated"], found["left"]) == ([321], [642], [])
    assert found["state"] == "Succeeded"
    assert "init has completed successfully" in found["logs"]


def test_an_endpoint_with_a_conda_file(azure_ai_ml: Sdk, files: Path) -> None:
    (files / "conda.yml").write_text(CONDA)
    image = f"image: {azure_ai_ml.image}"
    replace(files / "deployment.yml", image, f"{image}\n  conda_file: ./conda.yml")
    found = steps(azure_ai_ml, files)
    assert found.get("answer") == [321], found


def test_an_endpoint_of_an_image_as_it_is(azure_ai_ml: Sdk, files: Path) -> None:
    image = f"image: {azure_ai_ml.image}"
    replace(files / "deployment.yml", image, f"name: own\n  image: localhost/{CPU}{OWN_SERVER}")
    found = steps(azure_ai_ml, files)
    assert found.get("answer") == [321], found


def test_init_that_fails_is_told_with_its_log(azure_ai_ml: Sdk, files: Path) -> None:
    replace(files / "onlinescoring" / "score.py", "global model", "raise ValueError('no weights')")
    found = steps(azure_ai_ml, files)
    assert "LocalEndpointInFailedStateError" in found["error"]
    assert "ValueError: no weights" in found["logs"]
