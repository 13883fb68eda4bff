"""inferenceconfig.json, of v1: an entry script, and the environment that it runs in."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from pathlib import Path

from scoreserve.deploy.deployment import Code, Environment, Resources
from scoreserve.deploy.files import entry_script
from scoreserve.deploy.files.documents import Fields, read
from scoreserve.deploy.files.environment import (
    ReadEnvironment,
    conda_file,
    environment,
    in_registry,
)
from scoreserve.deploy.text_files import read_text

_RUNTIMES = ("python", "python-slim", "spark-py")
# From before there were environments; an environment stands for all of them.
_BEFORE_ENVIRONMENTS = (
    *("runtime", "condaFile", "extraDockerfileSteps"),
    *("enableGpu", "cudaVersion", "baseImage"),
)


@dataclass(frozen=True)
class InferenceConfig:
    """What the file comes to."""

    code: Code | None
    environment: Environment
    resources: Resources
    description: str = ""
    schema: Path | None = None  # a Swagger document, of before inference-schema


def read_inference_config(path: Path, root: Path, notes: list[str]) -> InferenceConfig:
    """What an inferenceconfig.json says. Paths in it start from `root`, as Azure's from the working
    directory, or from its sourceDirectory. Raises DeploymentError.
    """
    fields = Fields(read(path), path.name, notes)
    directory = fields.path("sourceDirectory", root)
    if directory is not None and not directory.is_dir():
        fields.refuse("sourceDirectory", f"is no folder: {directory}")
    code = _code(fields, directory, root)
    found = _environment(fields, directory or root, root)
    description = fields.text("description")
    schema = fields.path("schemaFile", directory or root)
    fields.close()
    return InferenceConfig(code, found.environment, found.resources, description, schema)


def _code(fields: Fields, directory: Path | None, root: Path) -> Code:
    written = fields.text("entryScript")
    if not written:
        fields.refuse("entryScript", "Error, need to specify entry_script.")
    written = posixpath.normpath(written.replace("\\", "/"))
    script = (directory or root) / written
    entry_script.check(fields, "entryScript", script, importable=True)
    if directory is None:
        return Code(script.resolve(), script.name, script.name)
    if not script.resolve().is_relative_to(directory):
        fields.refuse("entryScript", f"{script} is not in the sourceDirectory")
    name = directory.name
    return Code(directory, name, f"{name}/{written}", source_directory=name)


def _environment(fields: Fields, directory: Path, root: Path) -> ReadEnvironment:
    inner = fields.inner("environment")
    if inner is None:
        return ReadEnvironment(_before_environments(fields, directory))
    for name in _BEFORE_ENVIRONMENTS:
        if fields.take(name):
            fields.refuse(
                name,
                "Error, unable to provide runtime, conda_file, extra_docker_file_steps, enable_gpu,"
                " cuda_version, or base_image along with an environment object.",
            )
    fields.ignore("baseImageRegistry")
    return environment(inner, root)


def _before_environments(fields: Fields, directory: Path) -> Environment:
    if fields.choice("runtime", _RUNTIMES, "python") == "spark-py":
        fields.refuse("runtime", "Spark is not served; use python")
    registry = fields.inner("baseImageRegistry")
    image = in_registry(fields.text("baseImage"), registry)
    cuda = fields.text("cudaVersion")
    gpu = fields.flag("enableGpu") or bool(cuda)
    if image and gpu:
        fields.refuse("baseImage", "excludes enableGpu and cudaVersion: the image has CUDA or not")
    if cuda:
        fields.note("cudaVersion", f"not CUDA {cuda}, but that of our GPU image")
    found = Environment(image=image, gpu=gpu)
    packages = fields.path("condaFile", directory)
    if packages is not None:
        found = replace(found, conda=conda_file(packages))
    steps = fields.path("extraDockerfileSteps", directory)
    if steps is None:
        return found
    if image:
        fields.note("extraDockerfileSteps", "Azure would use them on its own base, here on yours")
    return replace(found, steps=read_text(steps))
