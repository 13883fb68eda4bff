"""inferenceconfig.json and deploymentconfig.json: what each field comes to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scoreserve.deploy.deployment import Auth, Code, Probe, RequestLimits, Resources
from scoreserve.errors import DeploymentError
from tests.deploy.files.conftest import SCRIPT, V1
from tests.deploy.sample_deployments import SAMPLES

ACI = {"computeType": "ACI"}
AKS = {"computeType": "aks"}
GIB = 1024**3


class TestInferenceConfig:
    def test_a_script_alone(self, v1: V1, tmp_path: Path) -> None:
        found = v1()
        assert found.code == Code(tmp_path / "score.py", "score.py", "score.py")
        assert found.container_variables() == {
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "AZUREML_MODEL_DIR": "azureml-models/",
        }
        assert found.notes == ()

    def test_a_source_directory(self, v1: V1, tmp_path: Path) -> None:
        (tmp_path / "source/sub").mkdir(parents=True)
        (tmp_path / "source/sub/score.py").write_text(SCRIPT)
        found = v1({"sourceDirectory": "./source/", "entryScript": "sub\\score.py"})
        assert found.container_variables()["AZUREML_ENTRY_SCRIPT"] == "source/sub/score.py"
        assert found.container_variables()["AZUREML_SOURCE_DIRECTORY"] == "source"

    def test_this_folder_as_the_source_directory_has_its_own_name(
        self, v1: V1, tmp_path: Path
    ) -> None:
        found = v1({"sourceDirectory": "./"})
        assert found.code is not None
        assert found.code.target == tmp_path.name

    @pytest.mark.parametrize("value", [None, ""])
    def test_null_and_empty_are_as_good_as_nothing(self, v1: V1, value: Any) -> None:
        found = v1(dict.fromkeys(("sourceDirectory", "condaFile", "baseImage", "unheard"), value))
        assert found.environment.image == ""
        assert found.notes == ()

    def test_an_environment_variable_counts_more_than_what_is_generated(self, v1: V1) -> None:
        variables = {"AZUREML_MODEL_DIR": "elsewhere", "ON": True, "N": 1}
        found = v1({"environment": {"name": "e", "environmentVariables": variables}})
        assert found.container_variables() == {
            "AZUREML_ENTRY_SCRIPT": "score.py",
            "AZUREML_MODEL_DIR": "elsewhere",
            "ON": "True",
            "N": "1",
        }

    def test_what_came_before_environments(self, v1: V1, tmp_path: Path) -> None:
        (tmp_path / "steps").write_text("RUN true\n")
        (tmp_path / "myenv.yml").write_text("dependencies: [numpy]\n")
        found = v1(
            {
                "runtime": "Python",
                "condaFile": "myenv.yml",
                "enableGpu": "True",
                "extraDockerfileSteps": "steps",
                "description": "mine",
            }
        )
        assert found.environment.gpu
        assert found.environment.steps == "RUN true\n"
        assert found.environment.conda is not None
        assert found.environment.conda.document == {"dependencies": ["numpy"]}
        assert found.labels == {"description": "mine"}

    def test_blanks_in_an_image_are_a_slip(self, v1: V1) -> None:
        found = v1({"baseImage": "azureml/openmpi4.1.0-ubuntu 20.04"})
        assert found.environment.image == "azureml/openmpi4.1.0-ubuntu20.04"

    def test_packages_that_the_user_manages(self, v1: V1) -> None:
        python = {"userManagedDependencies": "true", "interpreterPath": "/opt/app/bin/python"}
        template = {"condaDependencies": {"dependencies": ["python=3.8"]}}
        found = v1({"environment": {"python": {**python, **template}}}).environment
        assert (found.user_managed, found.prefix, found.conda) == (True, "/opt/app", None)

    def test_docker_s_options(self, v1: V1) -> None:
        arguments = ["--ulimit", "nofile=9", "--cpus=2", "-e A=b", "--privileged", "--network", "x"]
        found = v1({"environment": {"docker": {"shmSize": "2g", "arguments": arguments}}})
        assert found.resources == Resources(
            shm_bytes=2 * GIB,
            run_arguments=("--ulimit", "nofile=9", "--cpus", "2", "-e", "A=b"),
        )
        (note,) = found.notes
        assert note.endswith("environment.docker.arguments: ignored: --privileged --network x")

    @pytest.mark.parametrize(
        ("image", "whole"),
        [("team/a:1", "r.io/team/a:1"), ("r.io/team/a:1", "r.io/team/a:1")],
    )
    def test_the_registry_s_address(self, v1: V1, image: str, whole: str) -> None:
        registry = {"address": "r.io", "username": "me", "password": "secret"}
        found = v1({"environment": {"docker": {"baseImage": image, "baseImageRegistry": registry}}})
        assert found.environment.image == whole
        (note,) = found.notes
        assert "docker login r.io" in note
        assert "secret" not in repr(found)

    def test_an_unknown_field_is_noted_with_the_one_that_is_meant(self, v1: V1) -> None:
        found = v1({"entryscript": "x", "environment": {"python": {"interpreterpath": "y"}}})
        assert found.notes == (
            'inferenceconfig.json: unknown field "environment.python.interpreterpath" (did you mean'
            ' "interpreterPath"?), ignored',
            'inferenceconfig.json: unknown field "entryscript" (did you mean "entryScript"?),'
            " ignored",
        )

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({"entryScript": None}, "entryScript: Error, need to specify entry_script."),
            ({"entryScript": "none.py"}, "entryScript: no such file"),
            ({"entryScript": "1st.py"}, 'Error, invalid name "1st" for provided entry script'),
            ({"entryScript": "class.py"}, 'Error, invalid name "class" for provided'),
            ({"entryScript": "broken.py"}, "broken.py cannot be parsed: "),
            ({"entryScript": "a.txt"}, "Invalid driver type. Currently only Python drivers"),
            ({"sourceDirectory": "none"}, "sourceDirectory: no such file or folder"),
            ({"sourceDirectory": "sub", "entryScript": "../score.py"}, "is not in the source"),
            ({"runtime": "spark-py"}, "runtime: Spark is not served"),
            ({"runtime": "java"}, "runtime: must be one of python, python-slim, spark-py"),
            ({"baseImage": "a", "enableGpu": True}, "baseImage: excludes enableGpu"),
            ({"enableGpu": "perhaps"}, "enableGpu: must be true or false, not 'perhaps'"),
            ({"environment": {}, "runtime": "python"}, "runtime: Error, unable to provide runtime"),
            ({"environment": "mine"}, "environment: must be an object with fields"),
            ({"environment": {"spark": {"packages": [1]}}}, "spark: is for training"),
            (
                {"environment": {"docker": {"baseImage": "a", "baseDockerfile": "FROM b"}}},
                "only one of base_dockerfile or base_image should be provided",
            ),
            ({"environment": {"docker": {"platform": {"os": "Windows"}}}}, "os: only Linux"),
            ({"environment": {"docker": {"shmSize": "much"}}}, "shmSize: must be a number with"),
            ({"environment": {"python": {"baseCondaEnvironment": "base"}}}, "list all in conda"),
            (
                {"environment": {"docker": {"buildContext": {"locationType": "git"}}}},
                "location: '' is no folder here",
            ),
        ],
    )
    def test_what_is_refused(
        self, v1: V1, tmp_path: Path, fields: dict[str, Any], told: str
    ) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "broken.py").write_text("def")
        for name in ("1st.py", "class.py", "a.txt"):
            (tmp_path / name).write_text(SCRIPT)
        with pytest.raises(DeploymentError) as caught:
            v1(fields)
        assert str(caught.value).startswith("inferenceconfig.json: ")
        assert told in str(caught.value)


class TestDeploymentConfig:
    def test_local(self, v1: V1) -> None:
        assert v1(deploy={"computeType": "LOCAL", "port": 32267}).port == 32267

    def test_what_aci_asks_for(self, v1: V1) -> None:
        asked = {"containerResourceRequirements": {"cpu": 0.5, "memoryInGB": 1}}
        keys = {"authEnabled": "True", "keys": {"primaryKey": "key1", "secondaryKey": "key2"}}
        found = v1(deploy={**ACI, **asked, **keys})
        assert found.resources == Resources(cpus=0.5)
        assert found.auth == Auth(True, "key1", "key2")
        assert "key1" not in repr(found)

    def test_what_aks_asks_for(self, v1: V1) -> None:
        asked = {"cpu": 1, "cpuLimit": 2, "memoryInGB": 1, "memoryInGBLimit": 2}
        found = v1(
            deploy={
                **AKS,
                "containerResourceRequirements": asked,
                "gpuCores": 1,
                "scoringTimeoutMs": 1000,
                "maxQueueWaitMs": 300,
                "appInsightsEnabled": True,
                "maxConcurrentRequestsPerContainer": 3,
                "numReplicas": 2,
                "dataCollection": {"storageEnabled": True},
                "livenessProbeRequirements": {"initialDelaySeconds": 20, "failureThreshold": 5},
            }
        )
        assert found.resources == Resources(cpus=2, memory_bytes=2 * GIB, gpus=1)
        assert found.limits == RequestLimits(1000, 300, 3)
        assert found.auth.enabled
        assert found.liveness == Probe(20, failure_threshold=5)
        assert found.liveness.patience == 70
        assert (
            found.container_variables().items()
            >= {
                "SCORING_TIMEOUT_MS": "1000",
                "SCORESERVE_QUEUE_TIMEOUT_MS": "300",
                "WORKER_COUNT": "3",
                "AML_APP_INSIGHTS_ENABLED": "true",
                "AML_MODEL_DC_STORAGE_ENABLED": "true",
            }.items()
        )
        assert [note for note in found.notes if "numReplicas" in note]

    @pytest.mark.parametrize("name", ["aci", "aks", "local", "unknown-fields"])
    def test_the_samples_are_read(self, v1: V1, name: str) -> None:
        import json

        text = (SAMPLES / "v1-deploymentconfigs" / f"{name}.json").read_text()
        notes = v1(deploy=json.loads(text)).notes
        assert len(set(notes)) == len(notes)
        unknown = [note for note in notes if "unknown field" in note]
        assert len(unknown) == (2 if name == "unknown-fields" else 0)

    def test_a_typo_is_told(self, v1: V1) -> None:
        found = v1(deploy={**ACI, "enableAppInsights": "True"})
        assert found.notes == (
            'deploymentconfig.json: unknown field "enableAppInsights" (did you mean'
            ' "appInsightsEnabled"?), ignored',
        )

    @pytest.mark.parametrize(
        ("fields", "told"),
        [
            ({}, "Need to specify computeType in --deploy-config-file"),
            ({"computeType": "vm"}, "computeType: unknown deployment type: vm"),
            ({**AKS, "tokenAuthEnabled": True}, "tokenAuthEnabled: tokens come from Azure"),
            ({"computeType": "local", "port": 0}, "port: must be from 1 to 65535, not 0"),
            ({"computeType": "local", "port": "x"}, "port: must be a number, not 'x'"),
            ({"computeType": "local", "port": 1.5}, "port: must be a whole number, not 1.5"),
            ({**AKS, "scoringTimeoutMs": -1}, "scoringTimeoutMs: must be at least 0"),
            ({**AKS, "keys": "x"}, "keys: must be an object with fields, not the text 'x'"),
        ],
    )
    def test_what_is_refused(self, v1: V1, fields: dict[str, Any], told: str) -> None:
        with pytest.raises(DeploymentError) as caught:
            v1(deploy=fields)
        assert told in str(caught.value)
        assert "deploymentconfig.json: " in str(caught.value)


class TestNames:
    def test_a_service_is_named_after_its_folder_or_by_request(
        self, v1: V1, tmp_path: Path
    ) -> None:
        assert v1().name == tmp_path.name.lower()
        assert v1(name="my-service").image_name == "my-service:latest"

    @pytest.mark.parametrize("name", ["My-service", "a b", "ab", "x-", "1st", "a" * 33])
    def test_a_name_that_azure_would_refuse_is_refused(self, v1: V1, name: str) -> None:
        with pytest.raises(DeploymentError, match=f"--name {name}: must be 3 to 32 small letters"):
            v1(name=name)
