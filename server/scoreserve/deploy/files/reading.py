"""The files that a command names, read into a Deployment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from scoreserve.deploy import ignore_files
from scoreserve.deploy.deployment import APP_ROOT, Code, Deployment, Resources
from scoreserve.deploy.files import entry_script
from scoreserve.deploy.files.deployment_config import DeploymentConfig, read_deployment_config
from scoreserve.deploy.files.documents import Fields
from scoreserve.deploy.files.endpoint import read_endpoint
from scoreserve.deploy.files.environment import read_folder
from scoreserve.deploy.files.inference_config import InferenceConfig, read_inference_config
from scoreserve.deploy.files.models import models
from scoreserve.deploy.files.online_deployment import read_online_deployment
from scoreserve.deploy.files.registered import Registered
from scoreserve.errors import DeploymentError

_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")  # of a service: azureml-core's rule
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9._-]+")
_USUAL_NAME = "service"


@dataclass(frozen=True)
class Named:
    """What a command line names. One of the first three says what is deployed."""

    inference_config: Path | None = None
    deployment: Path | None = None
    environment: Path | None = None  # a folder
    deploy_config: Path | None = None
    endpoint: Path | None = None
    entry_script: str = ""  # beside `environment`
    models: Sequence[str] = ()  # PATH or NAME:VERSION=PATH
    environments: Mapping[str, str] = field(default_factory=dict)  # what NAME stands for, in v2
    name: str = ""  # of the service, in v1
    # Whether what .amlignore or .gitignore names stays out of a folder of code; None: as Azure has
    # it, which is yes in v2 and no in v1.
    ignore_files: bool | None = None


def read_deployment(named: Named, root: Path) -> Deployment:
    """The deployment that the files describe; paths on the command line start from `root`. Raises
    DeploymentError.
    """
    notes: list[str] = []
    its_models = models(named.models, root)
    if named.deployment is not None:
        registered = Registered(its_models, named.environments)
        endpoint = None if named.endpoint is None else read_endpoint(named.endpoint, notes)
        name = "" if endpoint is None else endpoint.name
        found = read_online_deployment(named.deployment, name, registered, notes)
        if endpoint is not None:
            found = replace(found, labels={**endpoint.tags, **found.labels})
    else:
        config = DeploymentConfig()
        if named.deploy_config is not None:
            config = read_deployment_config(named.deploy_config, notes)
        inference = _inference(named, root, notes)
        found = replace(
            _service(inference, config), name=_name(named, inference), models=its_models
        )
    if found.code is not None:
        found = replace(found, code=_ignoring(found.code, named, notes))
    return replace(found, notes=tuple(dict.fromkeys(notes)))


def _ignoring(code: Code, named: Named, notes: list[str]) -> Code:
    """The code with its ignore file, where that is to be followed."""
    file = ignore_files.ignore_file(code.path)
    if file is None:
        return code
    shown = f"{code.target}/{file.name}"
    follows = named.deployment is not None if named.ignore_files is None else named.ignore_files
    if not follows:
        if named.ignore_files is None:
            notes.append(
                f"{shown}: not followed, as Azure has it in v1: the whole folder goes along"
                " (--ignore-files leaves out what it names)"
            )
        return code
    script = code.path / PurePosixPath(code.app_root, code.entry_script).relative_to(
        f"{APP_ROOT}/{code.target}"
    )
    if ignore_files.read(file)(str(script)):
        raise DeploymentError(
            f"{file}: leaves the entry script out, {script.name}. Take it back with a line"
            f" !{script.name} at the end, or take the whole folder: --no-ignore-files"
        )
    notes.append(f"{shown}: what it names stays out (--no-ignore-files takes the whole folder)")
    return replace(code, ignore_file=file)


def _inference(named: Named, root: Path, notes: list[str]) -> InferenceConfig:
    if named.inference_config is not None:
        return read_inference_config(named.inference_config, root, notes)
    if named.environment is None:
        raise DeploymentError("no file that says what to deploy")
    found = read_folder(named.environment, notes)
    code = _script_alone(named.entry_script, root) if named.entry_script else None
    if code is None:
        notes.append(f"{named.environment}: no --entry-script: the image has none")
    return InferenceConfig(code, found.environment, found.resources)


def _script_alone(written: str, root: Path) -> Code:
    path = (root / written).resolve()
    entry_script.check(Fields({}, "--entry-script", []), written, path, importable=True)
    return Code(path, path.name, path.name)


def _service(inference: InferenceConfig, config: DeploymentConfig) -> Deployment:
    description = config.description or inference.description
    return Deployment(
        name="",
        environment=inference.environment,
        code=inference.code,
        schema=inference.schema,
        limits=config.limits,
        resources=_together(inference.resources, config.resources),
        port=config.port,
        auth=config.auth,
        liveness=config.liveness,
        readiness=config.liveness,
        replicas=config.replicas,
        app_insights=config.app_insights,
        storage_collection=config.storage_collection,
        labels={"description": description} if description else {},
    )


def _together(of_environment: Resources, of_service: Resources) -> Resources:
    return replace(
        of_service,
        shm_bytes=of_environment.shm_bytes,
        run_arguments=of_environment.run_arguments,
    )


def _name(named: Named, inference: InferenceConfig) -> str:
    """The service's name: as it is given, else by the folder of its file."""
    if named.name:
        if not _NAME.fullmatch(named.name):
            raise DeploymentError(
                f"--name {named.name}: must be 3 to 32 small letters, digits and `-`, begin with a"
                " letter, and not end with `-`"
            )
        return named.name
    file = named.inference_config or named.environment
    folder = os.path.basename(os.path.dirname(os.path.abspath(file))) if file else ""
    if named.environment is not None:
        folder = named.environment.resolve().name
    return _NOT_IN_A_NAME.sub("-", folder.lower()).strip("-._") or _USUAL_NAME
