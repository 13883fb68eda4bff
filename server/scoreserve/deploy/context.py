"""Lays a build context out: what the Dockerfile's COPY lines and mounts find."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath

from scoreserve.deploy import ignore_files
from scoreserve.deploy.deployment import Code, Deployment, Model
from scoreserve.deploy.dockerfile import CODE, COLLECTOR, ENVIRONMENT, MODELS, SWAGGER
from scoreserve.errors import DeploymentError

_OURS = (CODE, MODELS, ENVIRONMENT, COLLECTOR)
_IGNORE_FILE = ".dockerignore"
_LEFT_OUT = ("__pycache__",)  # written by whichever Python ran the script last
_DOCKERFILE = "Dockerfile"


def lay_out_base(folder: Path, context: Path | None, without: Path | None = None) -> None:
    """Copies the build context of a Dockerfile of the user's own, if there is one; for `without`
    see `lay_out_service`. Raises DeploymentError.
    """
    if context is None:
        return
    ours = next((name for name in _OURS if (context / name).exists()), None)
    if ours is not None:
        raise DeploymentError(f"{context / ours}: this name is needed for what is built on it")
    _copy(context, folder, without or folder)
    (folder / _DOCKERFILE).unlink(missing_ok=True)
    ignored = folder / _IGNORE_FILE
    if ignored.is_file():
        text = ignored.read_text(encoding="utf-8")
        ignored.unlink()  # it may be a link to the user's own
        lines = [text.rstrip("\n"), *(f"!{name}" for name in _OURS), ""]
        ignored.write_text("\n".join(lines), encoding="utf-8")


def lay_out_service(folder: Path, deployment: Deployment, without: Path | None = None) -> None:
    """Copies code and models, as they are to lie in the container; but not `without`, or else the
    folder itself, which may lie in them. Raises DeploymentError.
    """
    without = without or folder
    for model in deployment.models:
        place_model(folder / MODELS / model.name / model.version, model, without)
    if deployment.code is not None:
        place_code(folder / CODE, deployment.code, without)
    if deployment.schema is not None:
        _copy(deployment.schema, folder / CODE / SWAGGER, without)
    if deployment.collector_config:
        (folder / COLLECTOR).write_text(deployment.collector_config, encoding="utf-8")


def place_code(folder: Path, code: Code, without: Path) -> None:
    """Copies the script, or its folder, to where it lies below /var/azureml-app; but not `without`,
    the context itself, which may lie in it, nor what its ignore file names. Raises DeploymentError.
    """
    excludes = None if code.ignore_file is None else ignore_files.read(code.ignore_file)
    folder.mkdir(parents=True, exist_ok=True)
    _copy(code.path, folder / code.target, without, excludes)


def place_model(folder: Path, model: Model, without: Path) -> None:
    """Copies a model into the folder of its version, or unpacks it there, where it becomes the one
    entry: Model.get_model_path must find it. Raises DeploymentError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not model.packed:
        _copy(model.path, folder / model.path.name, without)
        return
    try:
        with tarfile.open(model.path) as archive:
            names = [PurePosixPath(member.name).parts for member in archive.getmembers()]
            tops = {parts[0] for parts in names if parts}
            if not hasattr(tarfile, "data_filter"):  # Python 3.10.11, 3.11.3 and before
                raise DeploymentError(f"{model.path}: this Python cannot unpack it safely: do so")
            archive.extractall(folder if len(tops) == 1 else folder / model.name, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DeploymentError(f"{model.path}: cannot be unpacked: {error}") from None


def _copy(
    source: Path, target: Path, without: Path, excludes: ignore_files.Excludes | None = None
) -> None:
    """Copies a file, or a folder, with what its links point to. Raises DeploymentError."""
    left_out = os.path.realpath(without)

    def stays(folder: str, name: str) -> bool:
        path = os.path.join(folder, name)
        if name in _LEFT_OUT or os.path.realpath(path) == left_out:
            return True
        return excludes is not None and excludes(path)

    def ignored(folder: str, names: list[str]) -> list[str]:
        return [name for name in names if stays(folder, name)]

    try:
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
    except shutil.Error as error:
        path, _, problem = error.args[0][0]
        raise DeploymentError(f"{path}: cannot be copied: {problem}") from None
    except OSError as error:
        raise DeploymentError(f"{error.filename}: cannot be copied: {error.strerror}") from None


def is_empty(folder: Path) -> bool:
    """Whether a folder can be written into without touching what is there."""
    return not folder.exists() or (folder.is_dir() and not os.listdir(folder))
