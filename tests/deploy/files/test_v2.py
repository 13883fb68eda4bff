"""deployment.yml and endpoint.yml: what each field comes to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scoreserve.deploy.deployment import (
    COLLECTOR_CONFIG,
    PROBE_V2,
    Code,
    Probe,
    RequestLimits,
    Resources,
    Route,
    Routes,
)
from scoreserve.errors import DeploymentError
from tests.deploy.files.conftest import SCRIPT, V2
from tests.telemetry import azure_collector

GIB = 1024**3


def test_names_are_as_the_sdk_s(v2: V2) -> None:
    found = v2()
    assert (found.image_name, found.container_name) == ("my-endpoint:blue", "my-endpoint.blue")


def test_the_code_s_folder_is_the_app_root(v2: V2, tmp_path: Path) -> None:
    found = v2()
    assert found.code == Code(
        tmp_path / "code", "code", "score.py", app_root="/var/azureml-app/code"
    )
    (tmp_path / "code/sub").mkdir()
    (tmp_path / "code/sub/my-script.py").write_text(SCRIPT)
    deeper = v2({"code_configuration": {"code": "code", "scoring_script": "sub/my-script.py"}})
    assert deeper.container_variables() == {
        "AZUREML_ENTRY_SCRIPT": "my-script.py",
        "AML_APP_ROOT": "/var/azureml-app/code/sub",
    }


def test_a_model_lies_in_the_folder_of_its_version(v2: V2, tmp_path: Path) -> None:
    found = v2({"model": {"name": "linear", "version": 3, "path": "./model"}})
    (model,) = found.models
    assert (model.path, model.folder) == (tmp_path / "model", "azureml-models/linear/3")
    variables = found.container_variables()
    assert variables["AZUREML_MODEL_DIR"] == "/var/azureml-app/azureml-models/linear/3"


def test_a_model_without_a_name_has_one_as_long_as_the_sdk_s(v2: V2) -> None:
    (model,) = v2({"model": {"path": "model"}}).models
    assert len(model.name) == 64
    assert model.version == "1"


def test_a_model_of_mlflow_without_a_script_names_its_own_packages(v2: V2, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/MLmodel").touch()
    (tmp_path / "model/conda.yaml").write_text("dependencies: [{pip: [mlflow]}]")
    model = {"path": "model", "type": "mlflow_model"}
    found = v2({"model": model, "code_configuration": None})
    assert found.code is None
    assert found.environment.conda is not None
    assert found.environment.conda.directory == tmp_path / "model"
    assert list(found.container_variables()) == ["AZUREML_MODEL_DIR"]


def test_a_mount_path_is_the_model_directory(v2: V2) -> None:
    found = v2({"model": {"path": "model"}, "model_mount_path": "/srv/models/"})
    assert found.container_variables()["AZUREML_MODEL_DIR"] == "/srv/models"
    assert found.model_target(found.models[0]) == "/srv/models"


@pytest.mark.parametrize(
    ("written", "flag"),
    [
        ("azureml:linear:3", "linear:3=model"),
        ("azureml:linear@latest", "linear:7=model"),
        ({"path": "azureml://jobs/x/outputs", "name": "linear", "version": 2}, "linear:2=model"),
    ],
)
def test_a_registered_model_lies_where_the_command_line_says(
    v2: V2, tmp_path: Path, written: Any, flag: str
) -> None:
    (model,) = v2({"model": written}, models=[flag]).models
    assert model.path == tmp_path / "model"


def test_a_registered_environment_is_what_the_command_line_says(v2: V2, tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env/requirements.txt").write_text("# mine\njoblib\n")
    folder = v2({"environment": "azureml:mine:2"}, environments={"mine": str(tmp_path / "env")})
    assert folder.environment.conda is not None
    image = v2({"environment": "azureml:mine@latest"}, environments={"mine": "r.io/mine:1"})
    assert image.environment.image == "r.io/mine:1"
    ours = v2({"environment": "azureml:AzureML-sklearn-1.0-ubuntu20.04-py38-cpu:10"})
    assert ours.environment.image == ""
    assert "is in the workspace: our own image in its place" in ours.notes[0]


def test_an_environment_of_a_dockerfile(v2: V2, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context/My.Dockerfile").write_text("FROM mine\n")
    build = {"path": "./context", "dockerfile_path": "My.Dockerfile"}
    found = v2({"environment": {"build": build}}).environment
    assert (found.dockerfile, found.context) == ("FROM mine\n", tmp_path / "context")


def test_an_image_with_routes_is_run_as_it_is(v2: V2) -> None:
    route = {"path": "/v1", "port": 8501}
    config = {f"{name}_route": route for name in ("liveness", "readiness", "scoring")}
    found = v2({"environment": {"image": "tf", "inference_config": config}})
    assert found.environment.as_it_is
    assert found.routes == Routes(*[Route("/v1", 8501)] * 3)


def test_settings_of_requests_probes_and_resources(v2: V2) -> None:
    limits = {"cpu": "1500m", "memory": "2Gi", "nvidia.com/gpu": "1"}
    found = v2(
        {
            "type": "kubernetes",
            "request_settings": {
                "request_timeout_ms": 3000,
                "max_queue_wait_ms": 200,
                "max_concurrent_requests_per_instance": 4,
            },
            "liveness_probe": {"initial_delay": 0, "period": 5},
            "resources": {"requests": {"cpu": "100m", "memory": "0.5Gi"}, "limits": limits},
            "environment_variables": {"WORKER_COUNT": "1"},
        }
    )
    assert found.limits == RequestLimits(3000, 200, 4)
    assert found.container_variables()["WORKER_COUNT"] == "1"
    assert found.liveness == Probe(0, 5, failure_threshold=30)
    assert found.readiness == PROBE_V2
    assert found.resources == Resources(cpus=1.5, memory_bytes=2 * GIB, gpus=1)
    assert found.environment.gpu


def test_what_a_script_collects_is_logged_and_sent_nowhere(v2: V2) -> None:
    names = ("model_inputs", "request")
    collector = {
        "sampling_rate": 0.5,
        "collections": {name: {"enabled": "True"} for name in names},
        "request_logging": {"capture_headers": ["x-a"]},
    }
    found = v2({"data_collector": collector})
    assert json.loads(found.collector_config) == {
        "collections": {"model_inputs": {"enabled": True, "sampleRatePercentage": 50}},
        "runMode": "local",
        "captureHeaders": ["x-a"],
    }
    assert found.container_variables()["AZUREML_MDC_CONFIG_PATH"] == COLLECTOR_CONFIG
    assert len(found.notes) == 1


def test_what_a_script_collects_is_sent_where_the_server_receives_it(v2: V2) -> None:
    found = v2(
        {
            "data_collector": {"collections": {"model_inputs": {"enabled": True}}},
            "environment_variables": {"SCORESERVE_MODEL_DATA_DIR": "/mnt/mdc"},
        }
    )
    assert json.loads(found.collector_config)["runMode"] == "cloud"


@azure_collector.needed
def test_the_collector_takes_what_is_written_for_it(v2: V2, tmp_path: Path) -> None:
    """The real one, of which collections there are and how much of each is taken."""
    collections = {"model_inputs": {"enabled": True}, "other": {"enabled": False}}
    found = v2({"data_collector": {"sampling_rate": 0.5, "collections": collections}})
    config = tmp_path / "mdc.json"
    config.write_text(found.collector_config, encoding="utf-8")
    script = """
from azureml.ai.monitoring import Collector, config
Collector(name="model_inputs", on_error=print)
Collector(name="other", on_error=print)
print(config.get_config().collections())
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, **azure_collector.on_path(), "AZUREML_MDC_CONFIG_PATH": str(config)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    refused, taken = [line for line in done.stdout.splitlines() if " | mdc" not in line]
    assert refused == "collection other is not enabled, drop the data"
    assert taken == str({"model_inputs": {"enabled": True, "sampleRatePercentage": 50.0}})


def test_the_endpoint_s_file_names_the_endpoint(v2: V2) -> None:
    endpoint = {"name": "other", "auth_mode": "KEY", "traffic": {"blue": 100}, "tags": {"a": 1}}
    found = v2({"tags": {"b": 2}}, endpoint)
    assert found.endpoint == "other"
    assert found.labels == {"a": "1", "b": "2"}
    assert found.notes[1:] == (
        "deployment.yml: endpoint_name: my-endpoint, but other counts: its own file names it so",
    )


@pytest.mark.parametrize(
    ("written", "begins"),
    [("Key", "clients need a key here only"), ("aml_token", "tokens come from Azure; clients")],
)
def test_that_no_key_is_asked_for_is_told(v2: V2, written: str, begins: str) -> None:
    found = v2({}, {"name": "my-endpoint", "auth_mode": written})
    (note,) = found.notes
    assert note.startswith(f"endpoint.yml: auth_mode: {begins}")
    assert not found.auth.enabled


def test_what_only_azure_can_do_is_noted_once(v2: V2) -> None:
    found = v2(
        {
            "instance_type": "Standard_DS3_v2",
            "instance_count": 2,
            "scale_settings": {"a": 1},
            "request_settngs": {},
        },
        {"name": "my-endpoint", "traffic": {"blue": 90, "green": 10}, "identity": {"type": "x"}},
    )
    told = [note.partition(": ")[2].partition(":")[0] for note in found.notes]
    assert told == [
        *("traffic", "identity", "instance_type", "scale_settings", "instance_count"),
        'unknown field "request_settngs" (did you mean "request_settings"?), ignored',
    ]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "b"}, "name: 'b' must be 3 to 32 letters"),
        ({"endpoint_name": ""}, "endpoint_name: is needed, in this file or with --endpoint"),
        ({"$schema": "x/managedOnlineEndpoint.schema.json"}, "this is an endpoint"),
        ({"type": "batch"}, "type: must be one of managed, kubernetes, not 'batch'"),
        ({"model": "azureml:m:3"}, "say where it lies, --model m:3=PATH"),
        ({"model": "azureml://registries/r/models/m"}, "--model NAME:VERSION=PATH"),
        ({"model": {"path": "none"}}, "model.path: no such file or folder"),
        ({"model": {"name": "m"}}, "model.path: is needed"),
        ({"model": [1]}, "model: must be a name in the workspace, or an object with a path"),
        ({"model": {"path": "model", "type": "keras"}}, "model.type: must be one of custom_model"),
        (
            {"model": {"path": "model", "type": "triton_model"}, "code_configuration": None},
            "model.type: a Triton model needs a code_configuration",
        ),
        ({"model": {"path": "model", "name": "../.."}}, "model.name: a model's name and version"),
        ({"model": {"path": "model", "version": "1/2"}}, "model.version: a model's name and"),
        (
            {"code_configuration": {"code": "code", "scoring_script": "../code/score.py"}},
            "scoring_script: must lie in the folder of `code`",
        ),
        ({"model_mount_path": "srv"}, "model_mount_path: must be absolute, not 'srv'"),
        ({"code_configuration": {"code": "none"}}, "code_configuration.code: no such folder"),
        ({"code_configuration": {"code": "code"}}, "scoring_script: is needed beside `code`"),
        ({"code_configuration": {"code": "azureml:c:1"}}, "is in the workspace: fetch it"),
        (
            {"code_configuration": {"code": "code", "scoring_script": "none.py"}},
            "scoring_script: no such file",
        ),
        ({"environment": {"os_type": "windows"}}, "environment.os_type: only Linux is served"),
        ({"environment": {"image": "a", "build": {"path": "code"}}}, "excludes image and conda"),
        ({"environment": {"build": {"path": "none"}}}, "build.path: no such folder"),
        ({"environment": {"image": "a", "conda_file": "none"}}, "conda_file: no such file"),
        (
            {"environment": {"image": "a", "inference_config": {"scoring_route": {}}}},
            "liveness_route: is needed beside the other two",
        ),
        ({"package_model": True}, "package_model: packages are built here"),
        ({"resources": {"limits": {"cpu": "two"}}}, "resources: must be a number with a unit"),
        ({"resources": {"limits": {"memory": "2GB"}}}, "must be a quantity such as 0.5Gi"),
        ({"instance_count": 0}, "instance_count: must be at least 1, not 0"),
    ],
)
def test_what_is_refused(v2: V2, fields: dict[str, Any], told: str) -> None:
    with pytest.raises(DeploymentError) as caught:
        v2(fields)
    assert str(caught.value).startswith("deployment.yml: ")
    assert told in str(caught.value)


def test_an_endpoint_that_is_a_deployment_is_refused(v2: V2) -> None:
    schema = {"$schema": "https://x/latest/managedOnlineDeployment.schema.json", "name": "my-end"}
    with pytest.raises(DeploymentError, match=r"endpoint\.yml: \$schema: this is a deployment"):
        v2({}, schema)
