"""The sets of files in `samples`, and how a command line names each."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from scoreserve.deploy.deployment import Deployment
from scoreserve.deploy.files.reading import Named, read_deployment
from tests.wheels import write_wheel

SAMPLES = Path(__file__).parent / "samples"


@dataclass(frozen=True)
class Sample:
    """A command line, by what it names in the sample's folder."""

    folder: str
    inference_config: str = ""
    deploy_config: str = ""
    deployment: str = ""
    endpoint: str = ""
    environment: bool = False  # the folder itself
    entry_script: str = ""
    models: tuple[str, ...] = ()

    @property
    def flags(self) -> list[str]:
        """The command line, in the sample's folder."""
        found = ["--environment", "."] if self.environment else []
        for field in ("inference_config", "deploy_config", "deployment", "endpoint"):
            if name := getattr(self, field):
                found += [f"--{field.replace('_', '-')}", name]
        if self.entry_script:
            found += ["--entry-script", self.entry_script]
        return [*found, *(word for model in self.models for word in ("--model", model))]

    def read(self, root: Path) -> Deployment:
        """The deployment of a copy of the sample, which lies in `root`."""
        folder = root / self.folder
        named = Named(environment=folder if self.environment else None, models=self.models)
        for field in ("inference_config", "deploy_config", "deployment", "endpoint"):
            if name := getattr(self, field):
                named = replace(named, **{field: folder / name})
        return read_deployment(replace(named, entry_script=self.entry_script), folder)


def copy_of(sample: Sample, root: Path) -> Path:
    """Copies a sample into `root`, where it can be changed; with the wheel that one of them has
    beside it. Its folder.
    """
    folder = shutil.copytree(SAMPLES / sample.folder, root / sample.folder)
    if sample.folder == "v1-environment":
        write_wheel(folder / "wheels", "tinytool", "1.0", {"tinytool.py": "SIZE = 1\n"})
    return folder


MNIST = Sample(
    "v1-mnist",
    inference_config="inferenceconfig.json",
    deploy_config="deploymentconfig.json",
    models=("mnist:1=model.json",),
)
BLUE = Sample("v2-blue", deployment="deployment.yml", endpoint="endpoint.yml")
DESIGNER = Sample(
    "designer",
    environment=True,
    entry_script="score.py",
    models=("model/trained_model_outputs",),
)

BY_NAME = {
    "v1-mnist": MNIST,
    "v1-legacy": Sample("v1-legacy", inference_config="inferenceconfig.json"),
    "v1-legacy-yaml": Sample("v1-legacy", inference_config="inferenceconfig.yml"),
    "v1-source-directory": replace(MNIST, folder="v1-source-directory", models=()),
    "v1-environment": Sample("v1-environment", environment=True),
    "v1-base-dockerfile": Sample("v1-base-dockerfile", environment=True),
    "designer": DESIGNER,
    "v2-blue": BLUE,
    "v2-conda": replace(BLUE, folder="v2-conda", endpoint=""),
    "v2-byoc": replace(BLUE, folder="v2-byoc", endpoint=""),
    "v2-build": replace(BLUE, folder="v2-build", endpoint=""),
    "v2-kubernetes": replace(BLUE, folder="v2-kubernetes"),
}
