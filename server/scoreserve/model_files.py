"""Finds the model to serve where there is no entry script: what kind of model, and in which file.

    MLmodel              an MLflow directory
    *.onnx               ONNX
    *.skops              scikit-learn, saved by skops
    *.ubj, *.json, ...   XGBoost's own formats, by how the file begins
    *.txt, *.lgb         LightGBM's own format, by its first line
    *.joblib, *.pkl      a pickle

Looked for in this order: in SCORESERVE_MODEL (--model), else in AZUREML_MODEL_DIR, else in its only
folder, and in that one's, since Azure ML mounts models as NAME/VERSION. Nothing is loaded here, and
no library of a model is imported: the front asks too.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from scoreserve.errors import BootError
from scoreserve.settings import Settings

_DEPTH = 2  # folders below the model directory: NAME/VERSION
_LOOKED_AT_BYTES = 64
_MLMODEL = "MLmodel"
_LFS_POINTER = b"version https://git-lfs"
_MOST_LISTED = 10
_KNOWN = (
    "Without an entry script, models of these kinds are served: ONNX (.onnx), scikit-learn"
    " (.skops), XGBoost (.ubj, .json), LightGBM (.txt), MLflow directories, and pickles where they"
    " are allowed."
)


class Kind(Enum):
    """The kinds of models, in the order in which they are looked for. The values are for people."""

    MLFLOW = "MLflow"
    ONNX = "ONNX"
    SKOPS = "scikit-learn (skops)"
    XGBOOST = "XGBoost"
    LIGHTGBM = "LightGBM"
    PICKLE = "pickle"


@dataclass(frozen=True)
class ModelFile:
    """A model that was found. `path` is a file, or the directory of an MLflow model."""

    kind: Kind
    path: str


def refused(what: str, path: str, remedy: str) -> BootError:
    """The error for a model that cannot be served: what is wrong, with which file, what to do."""
    where = _absolute(path)
    return BootError(f"{what} ({where}). {remedy}", what=what, where=where, remedy=remedy)


def find(settings: Settings) -> ModelFile | None:
    """The model to serve without a script, or None where nothing looks like one.

    Raises BootError where `settings.model` or `settings.model_file` names no model, where there are
    several of a kind, and for a model of a kind that needs an entry script.
    """
    root = _absolute(settings.model or settings.model_dir or "")
    if not (settings.model or settings.model_dir) or not os.path.exists(root):
        if settings.model:
            raise refused("There is no model", settings.model, "Name another with --model.")
        return None
    if settings.model_file:
        return _named(os.path.join(root, settings.model_file), "SCORESERVE_MODEL_FILE")
    if not os.path.isdir(root):
        return _named(root, "--model" if settings.model else "AZUREML_MODEL_DIR")
    if settings.mlflow_model_folder:
        found = _in_folder(os.path.join(root, settings.mlflow_model_folder))
        if found is not None:
            return found
    found = _below(root)
    if found is None and settings.model:
        raise refused("There is no model in this directory", root, _KNOWN)
    return found


def without_script(settings: Settings) -> str | None:
    """Where the model is looked for that is served without a script, or None where there is one: a
    setting for it, or main.py. Absolute.
    """
    if settings.model:
        return _absolute(settings.model)
    has_main = os.path.exists(os.path.join(settings.app_root, "main.py"))
    if settings.script_path is not None or has_main or not settings.model_dir:
        return None
    return _absolute(settings.model_dir) if os.path.exists(settings.model_dir) else None


def is_model(path: str) -> bool:
    """Whether a path that a user names is that of a model, not of a script."""
    if os.path.isdir(path):
        return os.path.isfile(os.path.join(path, _MLMODEL))
    try:
        return os.path.isfile(path) and _kind_of(path) is not None
    except BootError:  # it is none yet, or cannot be read
        return True


def model_folder(settings: Settings) -> str | None:
    """The directory that a model is in, or is: what lies beside it is there too."""
    if not settings.model:
        return settings.model_dir
    return (
        settings.model if os.path.isdir(settings.model) else os.path.dirname(settings.model) or "."
    )


def model_name(settings: Settings) -> str:
    """What clients call the model: SERVICE_NAME, else the name of its file or directory without the
    suffix. A directory that is named by a number is a version, and its parent gives the name.
    """
    if settings.service_name != Settings.service_name:
        return settings.service_name
    try:
        found = find(settings)
    except BootError:
        found = None
    path = found.path if found else settings.model_dir or settings.script_path or "model"
    return name_of(path)


def name_of(path: str) -> str:
    """The name that a model's path gives it."""
    path = _absolute(path)
    while os.path.basename(path).isdecimal() and os.path.basename(os.path.dirname(path)):
        path = os.path.dirname(path)
    name = os.path.basename(path)
    return name if os.path.isdir(path) else os.path.splitext(name)[0] or name


def _absolute(path: str) -> str:
    return os.path.abspath(path)


def _named(path: str, setting: str) -> ModelFile:
    """The model that the user has named. Raises BootError where there is none."""
    if os.path.isdir(path):
        found = _below(path)
        if found is not None:
            return found
        raise refused(f"There is no model in the directory that {setting} names", path, _KNOWN)
    if not os.path.exists(path):
        raise refused(f"There is no model where {setting} says", path, "Name another.")
    kind = _kind_of(path)
    if kind is None:
        raise _needs_script([path])
    return ModelFile(kind, path)


def _below(folder: str) -> ModelFile | None:
    """The model in a folder, or in the only one in it."""
    for _ in range(_DEPTH + 1):
        found = _in_folder(folder)
        if found is not None:
            return found
        folders = [entry for entry in _entries(folder) if os.path.isdir(entry)]
        if len(folders) != 1:
            return None
        folder = folders[0]
    return None


def _in_folder(folder: str) -> ModelFile | None:
    """The model right in a folder. Raises BootError where there are several of a kind, or only such
    as need an entry script.
    """
    if os.path.isfile(os.path.join(folder, _MLMODEL)):
        return ModelFile(Kind.MLFLOW, folder)
    files = [entry for entry in _entries(folder) if os.path.isfile(entry)]
    kinds = {path: _kind_of(path) for path in files}
    for kind in Kind:
        candidates = [path for path, its_kind in kinds.items() if its_kind is kind]
        if len(candidates) > 1:
            raise refused(
                f"There are {len(candidates)} models of the kind {kind.value}:"
                f" {_listed(candidates)}",
                folder,
                "Name the one to serve with --model, or by its path in the model directory with"
                " SCORESERVE_MODEL_FILE.",
            )
        if candidates:
            return ModelFile(kind, candidates[0])
    unknown = [path for path in _entries(folder) if _is_model_of_another_kind(path)]
    if unknown:
        raise _needs_script(unknown)
    return None


def _entries(folder: str) -> list[str]:
    """What lies in a folder, sorted, without what is hidden."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:  # gone meanwhile, or not ours to read
        return []
    return [os.path.join(folder, name) for name in names if not name.startswith(".")]


def _listed(paths: list[str]) -> str:
    names = [os.path.basename(path) for path in paths[:_MOST_LISTED]]
    more = len(paths) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _needs_script(paths: list[str]) -> BootError:
    what = f"{_listed(paths)} needs an entry script"
    return refused(what, paths[0], f"Name one with --entry-script. {_KNOWN}")


# What a file of this suffix is, as far as its first bytes agree.


def _has_bytes(head: bytes) -> bool:
    return bool(head)


def _is_zip(head: bytes) -> bool:
    return head.startswith(b"PK\x03\x04")


def _is_xgboost(head: bytes) -> bool:
    """JSON or universal binary JSON, whose first member is `learner`."""
    compact = b"".join(head.split())
    return compact.startswith(b'{"learner"') or (head.startswith(b"{L") and b"learner" in head)


def _is_lightgbm(head: bytes) -> bool:
    return head.splitlines()[:1] == [b"tree"]


_Looks = tuple[Kind, Callable[[bytes], bool]]
_BY_SUFFIX: dict[str, _Looks] = {
    ".onnx": (Kind.ONNX, _has_bytes),
    ".skops": (Kind.SKOPS, _is_zip),
    **dict.fromkeys((".ubj", ".json", ".xgb", ".bst"), (Kind.XGBOOST, _is_xgboost)),
    ".model": (Kind.XGBOOST, _is_xgboost),
    ".txt": (Kind.LIGHTGBM, _is_lightgbm),
    ".lgb": (Kind.LIGHTGBM, _is_lightgbm),
    **dict.fromkeys((".joblib", ".pkl", ".pickle"), (Kind.PICKLE, _has_bytes)),
}

# Of libraries that do not keep, with the weights, what is to be calculated with them, or keep code.
_OTHER_SUFFIXES = frozenset(
    {".pt", ".pth", ".safetensors", ".h5", ".hdf5", ".keras", ".tflite", ".cbm", ".pb", ".gguf"}
)


def _kind_of(path: str) -> Kind | None:
    """The kind of a model's file, or None. Raises BootError for one that is not really there."""
    looks = _BY_SUFFIX.get(os.path.splitext(path)[1].lower())
    if looks is None:
        return None
    kind, agrees = looks
    try:
        with open(path, "rb") as file:
            head = file.read(_LOOKED_AT_BYTES)
    except OSError as error:
        what = f"The model cannot be read: {error.strerror}"
        raise refused(what, path, f"Let the user with id {os.getuid()} read it.") from None
    if head.startswith(_LFS_POINTER):
        raise refused("This is no model but Git LFS's pointer to one", path, "Run: git lfs pull")
    return kind if agrees(head) else None


def _is_model_of_another_kind(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in _OTHER_SUFFIXES
