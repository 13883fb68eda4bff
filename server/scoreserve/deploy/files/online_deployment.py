"""deployment.yml, of v2: a managed or a Kubernetes online deployment."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from scoreserve.deploy.deployment import (
    APP_ROOT,
    PROBE_V2,
    Code,
    CondaFile,
    Deployment,
    Environment,
    Model,
    RequestLimits,
    Resources,
)
from scoreserve.deploy.files import data_collector, entry_script, probes, sizes
from scoreserve.deploy.files.documents import Fields, read
from scoreserve.deploy.files.endpoint import check_name
from scoreserve.deploy.files.environment import conda_file
from scoreserve.deploy.files.models import NAME_RULE, is_name
from scoreserve.deploy.files.online_environment import environment
from scoreserve.deploy.files.registered import Registered

_GPU = "nvidia.com/gpu"
_MODEL_DATA_DIR = "SCORESERVE_MODEL_DATA_DIR"  # where the server itself receives what is collected
_FIRST = "1"
_CUSTOM = "custom_model"
_MLMODEL = "MLmodel"  # the file that makes a folder an MLflow model
_MLFLOW, _TRITON = "mlflow_model", "triton_model"
_MLFLOW_PACKAGES = ("conda.yaml", "requirements.txt")  # what MLflow saves beside each model
_ELSEWHERE = ("azureml:", "runs:", "http:", "https:", "wasbs:", "abfss:")

_AZURE_S_OWN = {
    "instance_type": "the machine is this one",
    "scale_settings": "one container does not scale; on Kubernetes the chart does",
    "private_network_connection": "the network is Azure's",
    "properties": "kept by the workspace",
}


def read_online_deployment(
    path: Path, endpoint: str, registered: Registered, notes: list[str]
) -> Deployment:
    """What a deployment.yml says, for `endpoint` where that is not empty. Paths in it start from
    its own folder. Raises DeploymentError.
    """
    fields, root = Fields(read(path), path.name, notes), path.parent.resolve()
    if "nlineEndpoint" in fields.text("$schema"):
        fields.refuse("$schema", "this is an endpoint: give it with --endpoint")
    kind = fields.choice("type", ("managed", "kubernetes"), "managed")
    name = fields.text("name")
    check_name(fields, "name", name)
    its_environment, routes = environment(fields, root, registered)
    code = _code(fields, root)
    resources = _resources(fields)
    models = _models(fields, root, registered, with_script=code is not None)
    if code is None and its_environment == Environment():
        its_environment = replace(its_environment, conda=_packages_of(models))
    if kind == "kubernetes" and resources.gpus:
        its_environment = replace(its_environment, gpu=True)
    if fields.take("package_model"):
        fields.refuse("package_model", "packages are built here: leave it out")
    fields.only_in_azure(_AZURE_S_OWN)
    variables = fields.texts("environment_variables")
    found = Deployment(
        name=name,
        endpoint=_endpoint(fields, endpoint),
        environment=its_environment,
        code=code,
        models=models,
        model_mount_path=_mount_path(fields),
        variables=variables,
        limits=_limits(fields),
        resources=resources,
        liveness=probes.probe(fields.inner("liveness_probe"), probes.V2, PROBE_V2),
        readiness=probes.probe(fields.inner("readiness_probe"), probes.V2, PROBE_V2),
        routes=routes,
        replicas=_replicas(fields),
        app_insights=fields.flag("app_insights_enabled"),
        collector_config=data_collector.config(
            fields.inner("data_collector"), received=bool(variables.get(_MODEL_DATA_DIR))
        ),
        isolated=_is_isolated(fields),
        labels=_labels(fields),
    )
    fields.close()
    return found


def _endpoint(fields: Fields, given: str) -> str:
    written = fields.text("endpoint_name")
    if not given and not written:
        fields.refuse("endpoint_name", "is needed, in this file or with --endpoint")
    if given and written and given != written:
        fields.note("endpoint_name", f"{written}, but {given} counts: its own file names it so")
    check_name(fields, "endpoint_name", given or written)
    return given or written


def _code(fields: Fields, root: Path) -> Code | None:
    inner = fields.inner("code_configuration")
    if inner is None:
        return None
    written, scoring_script = inner.text("code"), inner.text("scoring_script")
    if written.startswith(_ELSEWHERE):
        inner.refuse("code", f"{written} is in the workspace: fetch it, and give its path")
    folder = (root / written).resolve()
    if not written or not folder.is_dir():
        inner.refuse("code", f"no such folder: {folder}" if written else "is needed")
    if not scoring_script:
        inner.refuse("scoring_script", "is needed beside `code`")
    inner.close()
    script = posixpath.normpath(scoring_script.replace("\\", "/"))
    if script.startswith(("/", "..")):
        inner.refuse("scoring_script", f"must lie in the folder of `code`, unlike {scoring_script}")
    entry_script.check(inner, "scoring_script", folder / script, importable=False)
    app_root = posixpath.join(APP_ROOT, folder.name, posixpath.dirname(script)).rstrip("/")
    return Code(folder, folder.name, posixpath.basename(script), app_root=app_root)


def _models(
    fields: Fields, root: Path, registered: Registered, *, with_script: bool
) -> tuple[Model, ...]:
    value = fields.take("model")
    if value is None:
        return tuple(registered.models)
    if isinstance(value, str):
        return (registered.model(fields, value),)
    if not isinstance(value, Mapping):
        fields.refuse("model", "must be a name in the workspace, or an object with a path")
    inner = fields.within("model", value)
    if inner.choice("type", (_CUSTOM, _MLFLOW, _TRITON), _CUSTOM) == _TRITON and not with_script:
        inner.refuse("type", "a Triton model needs a code_configuration: a script that loads it")
    written, name = inner.text("path"), inner.text("name")
    version = inner.text("version", _FIRST)
    inner.ignore("description", "tags", "properties", "flavors", "$schema", "stage", "job_name")
    inner.close()
    if written.startswith(_ELSEWHERE):
        return (registered.model(fields, f"{name}:{version}" if name else written),)
    path = (root / written).resolve()
    if not written or not path.exists():
        inner.refuse("path", f"no such file or folder: {path}" if written else "is needed")
    for field, value in (("name", name or _FIRST), ("version", version)):
        if not is_name(value):
            inner.refuse(field, f"{NAME_RULE}, not {value!r}")
    # The SDK gives a model without a name one that is as long.
    return (Model(name or sha256(written.encode()).hexdigest(), version, path),)


def _packages_of(models: Sequence[Model]) -> CondaFile | None:
    """The packages that an MLflow model names itself: it needs no environment in Azure either."""
    for model in models:
        if (model.path / _MLMODEL).is_file():
            files = [model.path / name for name in _MLFLOW_PACKAGES]
            return next((conda_file(path) for path in files if path.is_file()), None)
    return None


def _mount_path(fields: Fields) -> str:
    path = fields.text("model_mount_path")
    if path and not path.startswith("/"):
        fields.refuse("model_mount_path", f"must be absolute, not {path!r}")
    return path.rstrip("/")


def _limits(fields: Fields) -> RequestLimits:
    inner = fields.inner("request_settings")
    if inner is None:
        return RequestLimits()
    found = RequestLimits(
        scoring_timeout_ms=inner.whole("request_timeout_ms"),
        queue_timeout_ms=inner.whole("max_queue_wait_ms"),
        workers=inner.whole("max_concurrent_requests_per_instance", 1),
    )
    inner.close()
    return found


def _resources(fields: Fields) -> Resources:
    """The limits of a deployment on Kubernetes; of CPUs and GPUs else what it requests."""
    inner = fields.inner("resources")
    if inner is None:
        return Resources()
    asked, limits = inner.texts("requests"), inner.texts("limits")
    inner.close()
    cpus, memory = limits.get("cpu") or asked.get("cpu"), limits.get("memory")
    try:
        return Resources(
            cpus=sizes.cpus(cpus) if cpus else None,
            memory_bytes=sizes.memory_bytes(memory) if memory else None,
            gpus=int(limits.get(_GPU) or asked.get(_GPU) or 0),
        )
    except ValueError as error:
        fields.refuse("resources", str(error))


def _replicas(fields: Fields) -> int:
    replicas = fields.whole("instance_count", 1) or 1
    if replicas > 1:
        fields.note("instance_count", f"one container here, not {replicas}")
    return replicas


def _is_isolated(fields: Fields) -> bool:
    access = fields.choice("egress_public_network_access", ("enabled", "disabled"), "enabled")
    return access == "disabled"


def _labels(fields: Fields) -> dict[str, str]:
    labels = fields.texts("tags")
    description = fields.text("description")
    return {**labels, "description": description} if description else labels
