"""Files of a deployment, written and read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scoreserve.deploy.deployment import Deployment
from scoreserve.deploy.files.reading import Named, read_deployment

SCRIPT = "def init(): pass\ndef run(data): return data\n"

V1 = Callable[..., Deployment]
V2 = Callable[..., Deployment]


@pytest.fixture
def v1(tmp_path: Path) -> V1:
    """Reads an inferenceconfig.json of these fields, and perhaps a deploymentconfig.json, beside a
    `score.py`.
    """

    def read(
        inference: Mapping[str, Any] | None = None,
        deploy: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> Deployment:
        (tmp_path / "score.py").write_text(SCRIPT)
        path = tmp_path / "inferenceconfig.json"
        path.write_text(json.dumps({"entryScript": "score.py", **(inference or {})}))
        deploy_config = None
        if deploy is not None:
            deploy_config = tmp_path / "deploymentconfig.json"
            deploy_config.write_text(json.dumps(deploy))
        return read_deployment(
            Named(inference_config=path, deploy_config=deploy_config, **named), tmp_path
        )

    return read


@pytest.fixture
def v2(tmp_path: Path) -> V2:
    """Reads a deployment.yml of these fields, and perhaps an endpoint.yml, beside `code/score.py`
    and `model/`.
    """

    def read(
        deployment: Mapping[str, Any] | None = None,
        endpoint: Mapping[str, Any] | None = None,
        **named: Any,
    ) -> Deployment:
        for folder in ("code", "model"):
            (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "code/score.py").write_text(SCRIPT)
        path = tmp_path / "deployment.yml"
        usual = {
            "name": "blue",
            "endpoint_name": "my-endpoint",
            "code_configuration": {"code": "./code", "scoring_script": "score.py"},
        }
        path.write_text(json.dumps({**usual, **(deployment or {})}))  # which YAML reads too
        endpoint_file = None
        if endpoint is not None:
            endpoint_file = tmp_path / "endpoint.yml"
            endpoint_file.write_text(json.dumps(endpoint))
        return read_deployment(Named(deployment=path, endpoint=endpoint_file, **named), tmp_path)

    return read
