"""What names of the workspace stand for on this machine, as the command line says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from scoreserve.deploy.deployment import Environment, Model
from scoreserve.deploy.files.documents import Fields
from scoreserve.deploy.files.environment import read_folder

_LATEST = "1"  # what an example of a version is, where a file names none
_OF_GPUS = ("gpu", "cuda")


@dataclass(frozen=True)
class Registered:
    """Models by NAME and VERSION; environments by NAME, each an image or a folder."""

    models: Sequence[Model] = ()
    environments: Mapping[str, str] = field(default_factory=dict)

    def model(self, fields: Fields, written: str) -> Model:
        """The model that `azureml:NAME:VERSION`, or NAME@latest, stands for. Raises
        DeploymentError.
        """
        name, _, version = written.removeprefix("azureml:").partition(":")
        name = name.partition("@")[0]
        found = [
            model
            for model in self.models
            if model.name == name and (not version or version == model.version)
        ]
        if not found:
            known = name and "/" not in name
            example = f"{name}:{version or _LATEST}" if known else "NAME:VERSION"
            fields.refuse(
                "model", f"{written} is in the workspace: say where it lies, --model {example}=PATH"
            )
        return max(found, key=lambda model: int(model.version))

    def environment(self, fields: Fields, written: str) -> Environment:
        """The environment that `azureml:NAME:VERSION` stands for; our own image, with a note, where
        the command line does not say. Raises DeploymentError.
        """
        name = written.removeprefix("azureml:")
        if not name.startswith("//"):
            name = name.partition("@")[0].partition(":")[0]
        meant = self.environments.get(name) or self.environments.get(written)
        if meant is None:
            fields.note(
                "environment",
                f"{written} is in the workspace: our own image in its place, without its packages"
                " (--environment NAME=IMAGE_OR_DIR says what it is)",
            )
            return Environment(gpu=any(word in name.lower() for word in _OF_GPUS))
        if not Path(meant).is_dir():
            return Environment(name=name, image=meant)
        notes: list[str] = []
        found = read_folder(Path(meant), notes)
        for text in notes:
            fields.note("environment", text)
        return found.environment
