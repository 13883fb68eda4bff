"""An environment of v1: the object in inferenceconfig.json, or the folder that
Environment.save_to_directory wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from scoreserve.deploy.deployment import CondaFile, Environment, Resources
from scoreserve.deploy.files.documents import Fields, read
from scoreserve.deploy.files.sizes import size_bytes
from scoreserve.deploy.text_files import read_text
from scoreserve.errors import DeploymentError

_SAVED = "azureml_environment.json"
_SAVED_CONDA, _SAVED_DOCKERFILE = "conda_dependencies.yml", "BaseDockerfile"
# What a folder that nobody saved may have instead, the first that is there.
_CONDA_NAMES = ("conda.yml", "conda.yaml", "conda_env.yml", "conda_env.yaml", "environment.yml")
_PACKAGE_NAMES = (_SAVED_CONDA, *_CONDA_NAMES, "environment.yaml", "requirements.txt")

# Arguments of `docker run` that hold for a deployment as well; each has a value.
_RUN_ARGUMENTS = {
    "--shm-size",
    "--ulimit",
    "--memory",
    "-m",
    "--cpus",
    "-v",
    "--volume",
    "-e",
    "--env",
}
_TEMPLATE_OF_TRAINING = {"precachePackages": True}  # what `spark` has beside empty lists


@dataclass(frozen=True)
class ReadEnvironment:
    """An environment, and what it asks of the containers of its image."""

    environment: Environment
    resources: Resources = field(default_factory=Resources)


def read_folder(folder: Path, notes: list[str]) -> ReadEnvironment:
    """The environment in a folder: as save_to_directory writes it, or else of a conda file or a
    requirements.txt, and of a Dockerfile. Raises DeploymentError.
    """
    if not folder.is_dir():
        raise DeploymentError(f"{folder}: no such folder")
    folder = folder.resolve()
    packages = next((folder / name for name in _PACKAGE_NAMES if (folder / name).is_file()), None)
    conda = None if packages is None else conda_file(packages)
    saved = folder / _SAVED
    if saved.is_file():
        found = environment(Fields(read(saved), str(saved), notes), folder, conda)
        dockerfile = folder / _SAVED_DOCKERFILE
    else:
        found = ReadEnvironment(Environment(name=folder.name, conda=conda))
        dockerfile = folder / "Dockerfile"
    if dockerfile.is_file():
        text = read_text(dockerfile)
        with_base = replace(found.environment, image="", dockerfile=text, context=folder)
        return replace(found, environment=with_base)
    if not saved.is_file() and conda is None:
        raise DeploymentError(
            f"{folder}: has no {_SAVED}, and neither {', '.join(_PACKAGE_NAMES)} nor Dockerfile"
        )
    return found


def conda_file(path: Path) -> CondaFile:
    """What a conda file, or a requirements.txt, names. Raises DeploymentError."""
    if path.suffix != ".txt":
        return CondaFile(read(path), path.parent, path.name)
    lines = [line.strip() for line in read_text(path).splitlines()]
    document = {"dependencies": [{"pip": [line for line in lines if line]}]}
    return CondaFile(document, path.parent, path.name)


def environment(fields: Fields, root: Path, saved: CondaFile | None = None) -> ReadEnvironment:
    """The environment that an object describes; paths in it start from `root`. A conda file `saved`
    beside it counts more than what the object has. Raises DeploymentError.
    """
    for name in ("spark", "databricks", "r"):
        value = fields.take(name)
        if value is not None and not _is_template(value):
            fields.refuse(name, "is for training: leave it out")
    fields.ignore("inferencingStackVersion", "assetId")  # the server is always there
    docker = fields.inner("docker") or fields.within("docker", {})
    python = fields.inner("python") or fields.within("python", {})
    found = ReadEnvironment(
        replace(
            _with_packages(_base(docker, root), python, root, saved),
            name=fields.text("name"),
            version=fields.text("version"),
            variables=fields.texts("environmentVariables"),
        ),
        _resources(docker),
    )
    for each in (python, docker, fields):
        each.close()
    return found


def _is_template(value: Any) -> bool:
    """Whether it is as the SDK writes it where nobody asked for any of it."""
    return isinstance(value, Mapping) and all(
        not item or _TEMPLATE_OF_TRAINING.get(name) == item for name, item in value.items()
    )


def _with_packages(
    base: Environment, python: Fields, root: Path, saved: CondaFile | None
) -> Environment:
    user_managed = python.flag("userManagedDependencies")
    interpreter = python.text("interpreterPath")
    if "baseCondaEnvironment" in python:
        python.refuse(
            "baseCondaEnvironment", "no environment is built upon: list all in condaDependencies"
        )
    python.ignore("baseCondaEnvironment")
    path = python.path("condaDependenciesFile", root)
    inline = python.take("condaDependencies")
    if user_managed:  # whatever else stands there is the SDK's template
        # PREFIX/bin/python
        prefix = str(PurePosixPath(interpreter).parent.parent) if interpreter[:1] == "/" else ""
        return replace(base, user_managed=True, prefix=prefix)
    conda = saved
    if conda is None and path is not None:
        conda = conda_file(path)
    if conda is None and inline is not None:
        if not isinstance(inline, Mapping):
            python.refuse("condaDependencies", "must be an object, as a conda file has it")
        conda = CondaFile(inline, root, python.place("condaDependencies"))
    return replace(base, conda=conda)


def _base(docker: Fields, root: Path) -> Environment:
    image, text = docker.text("baseImage"), docker.text("baseDockerfile")
    context = docker.inner("buildContext")
    if image and text:
        raise DeploymentError(
            f"{docker.place('baseDockerfile')}: only one of base_dockerfile or base_image should be"
            " provided to the environment.docker object."
        )
    registry = docker.inner("baseImageRegistry")
    gpu = docker.flag("gpuSupport")
    docker.ignore("enabled", "sharedVolumes")  # for training
    _check_platform(docker.inner("platform"))
    if context is not None:
        return replace(_build_context(context, root), gpu=gpu)
    if text:
        return Environment(dockerfile=text, context=None, gpu=gpu)
    return Environment(image=in_registry(image, registry), gpu=gpu)


def in_registry(image: str, registry: Fields | None) -> str:
    """The image's whole name: blanks in it are a slip that Azure's own files have."""
    image = image.replace(" ", "")
    if registry is None:
        return image
    address = registry.text("address")
    if registry.take("username") is not None or registry.take("password") is not None:
        registry.note("username", f"not used: run `docker login {address}` first")
    registry.ignore("password")
    registry.only_in_azure({"registryIdentity": "an identity is Azure's"})
    registry.close()
    if not image or not address or image.startswith(f"{address}/"):
        return image
    return f"{address}/{image}"


def _check_platform(platform: Fields | None) -> None:
    if platform is None:
        return
    if platform.text("os", "linux").lower() != "linux":
        platform.refuse("os", "only Linux is served")
    if platform.text("architecture", "amd64").lower() != "amd64":
        platform.refuse("architecture", "only amd64 is built, as in Azure")
    platform.close()


def _build_context(context: Fields, root: Path) -> Environment:
    if context.text("locationType", "local").lower() != "local":
        location = context.text("location")
        folder = root / location
        if not location or not folder.is_dir():
            context.refuse(
                "location", f"{location!r} is no folder here: fetch it, and give its path"
            )
    else:
        folder = root / context.text("location")
    found = dockerfile_in(context, folder.resolve(), context.text("dockerfilePath", "Dockerfile"))
    context.close()
    return found


def dockerfile_in(fields: Fields, folder: Path, name: str) -> Environment:
    """The environment that a Dockerfile in a build context describes. Raises DeploymentError."""
    if not folder.is_dir():
        fields.refuse("path", f"no such folder: {folder}")
    return Environment(dockerfile=read_text(folder / name), context=folder)


def _resources(docker: Fields) -> Resources:
    shm = docker.text("shmSize")
    kept, dropped = _run_arguments(docker.strings("arguments"))
    if dropped:
        docker.note("arguments", f"ignored: {' '.join(dropped)}")
    try:
        return Resources(shm_bytes=size_bytes(shm) if shm else None, run_arguments=tuple(kept))
    except ValueError as error:
        docker.refuse("shmSize", str(error))


def _run_arguments(words: list[str]) -> tuple[list[str], list[str]]:
    """Which arguments of `docker run` hold here, and which do not; as --name=value."""
    kept: list[str] = []
    dropped: list[str] = []
    for name, value in _pairs(words):
        if name in _RUN_ARGUMENTS:
            kept += [name, value]
        else:
            dropped.append(f"{name} {value}".strip())
    return kept, dropped


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    """Name and value of each argument, written as two words or with `=`."""
    left = [word for written in words for word in written.split(" ", 1)]
    while left:
        name, equals, value = left.pop(0).partition("=")
        if not equals and left and not left[0].startswith("-"):
            value = left.pop(0)
        yield name, value
