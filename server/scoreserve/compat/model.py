"""`azureml.core.model.Model`, as far as an entry script needs it: the path of a model.

The rule is azureml-core's for a container (Model.get_model_path without a workspace): the models
lie in `azureml-models/NAME/VERSION/` under the current directory.
"""

from __future__ import annotations

import os
from typing import Any

from scoreserve.compat.exceptions import ModelNotFoundException

_ROOT = "azureml-models"


class Model:
    """Only `get_model_path` works here: a container has no workspace to ask."""

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Any = None) -> str:
        """Path of the one file or directory of the model: its latest version, or `version`.

        Falls back on `model_name` itself, as a path. Raises ModelNotFoundException.
        """
        directory = os.path.join(_ROOT, model_name)
        if os.path.isdir(directory):
            chosen = _latest(directory) if version is None else version
            cached = os.path.join(directory, str(chosen))
            if os.path.isdir(cached):
                return _only_entry(cached, model_name)
        if os.path.exists(model_name):
            return model_name
        raise ModelNotFoundException(
            f"Model {model_name} not found in cache at {_ROOT} or in current working directory"
            f" {os.getcwd()}.{_unreadable()}"
        )


def _unreadable() -> str:
    """Tells of models that this user may not see: azureml-core copies them into an image with the
    mode of a temporary folder, for their owner alone.
    """
    if os.path.isdir(_ROOT) and not os.access(_ROOT, os.R_OK | os.X_OK):
        return f" User {os.getuid()} cannot read {_ROOT}."
    return ""


def _latest(directory: str) -> int:
    versions = [int(entry) for entry in os.listdir(directory) if entry.isdigit()]
    if not versions:
        raise ModelNotFoundException(f"There is no version of the model in {directory}.")
    return max(versions)


def _only_entry(directory: str, model_name: str) -> str:
    entries = os.listdir(directory)
    if len(entries) != 1:
        raise ModelNotFoundException(
            f"Model {model_name}: expected exactly one entry in {directory}, found {entries}."
        )
    return os.path.join(directory, entries[0])
