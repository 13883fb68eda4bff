"""A deployment, as plain data: what Azure's files of either generation come to.

    files/           inferenceconfig.json + deploymentconfig.json (v1),
                     deployment.yml + endpoint.yml (v2)           → Deployment
    dockerfile, …    Deployment → a build context, an image
    running          Deployment → a container, which is healthy or not

Paths are those of this machine, absolute; what is called a target is a path in the container, below
/var/azureml-app.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

APP_ROOT = "/var/azureml-app"
MODELS = "azureml-models"  # Model.get_model_path looks there, below the working directory
SCORING_PORT = 5001
COLLECTOR_CONFIG = "/etc/mdc-config.json"  # where the Collector of azureml-ai-monitoring looks


@dataclass(frozen=True)
class Model:
    """A model, registered under a name and a version. `path` is its file or directory, or a .tar.gz
    of it as Model.download leaves it, if `packed`.
    """

    name: str
    version: str
    path: Path
    packed: bool = False

    @property
    def folder(self) -> str:
        """Target of the version's folder. The model is the one entry in it, by its own name."""
        return f"{MODELS}/{self.name}/{self.version}"


@dataclass(frozen=True)
class Code:
    """The entry script and what goes along with it."""

    path: Path  # the directory, or the script alone
    target: str  # what `path` is called in the container
    entry_script: str  # AZUREML_ENTRY_SCRIPT, relative to app_root
    app_root: str = APP_ROOT  # AML_APP_ROOT, absolute
    source_directory: str = ""  # AZUREML_SOURCE_DIRECTORY: is on sys.path too
    ignore_file: Path | None = None  # says what of the directory stays out; see `ignore_files`


@dataclass(frozen=True)
class CondaFile:
    """Packages as a conda file names them: its document, and the directory that paths in it start
    from. `source` is what messages call it.
    """

    document: Mapping[str, Any]
    directory: Path
    source: str


@dataclass(frozen=True)
class Environment:
    """What the image of a deployment is made of, but for code, models and variables.

    One of `image` and `dockerfile` at most; without both, the base is our own image.
    """

    name: str = ""
    version: str = ""
    image: str = ""
    dockerfile: str = ""  # its text
    context: Path | None = None  # what COPY lines of `dockerfile` start from
    gpu: bool = False
    conda: CondaFile | None = None
    user_managed: bool = False  # the base has all packages
    prefix: str = ""  # of its Python environment, where that is known
    steps: str = ""  # lines for the Dockerfile, as root, after the packages
    as_it_is: bool = False  # the image has a server of its own, and is not built on
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Resources:
    """What a container gets. None: no limit."""

    cpus: float | None = None
    memory_bytes: int | None = None
    gpus: int = 0
    shm_bytes: int | None = None
    run_arguments: tuple[str, ...] = ()  # further ones of `docker run`, such as --ulimit


@dataclass(frozen=True)
class Probe:
    """How a container's health is asked for; times in seconds."""

    initial_delay: int
    period: int = 10
    timeout: int = 2
    success_threshold: int = 1
    failure_threshold: int = 3

    @property
    def patience(self) -> int:
        """Seconds in which a container must have become healthy."""
        return self.initial_delay + self.period * self.failure_threshold


LIVENESS_V1 = Probe(initial_delay=310)
PROBE_V2 = Probe(initial_delay=10, failure_threshold=30)


@dataclass(frozen=True)
class Route:
    """Where a container is asked."""

    path: str
    port: int = SCORING_PORT


@dataclass(frozen=True)
class Routes:
    """Where a container is asked: whether it lives, whether it is ready, to score."""

    liveness: Route = Route("/")
    readiness: Route = Route("/")
    scoring: Route = Route("/score")


@dataclass(frozen=True)
class Auth:
    """Whether clients need a key, and the two that are valid; empty: to be made."""

    enabled: bool = False
    primary_key: str = field(default="", repr=False)
    secondary_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class RequestLimits:
    """What holds for requests. None: the server's default."""

    scoring_timeout_ms: int | None = None
    queue_timeout_ms: int | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Deployment:
    """All that the files say. `notes` are the lines for their author: what is ignored, and why."""

    name: str
    environment: Environment = Environment()
    endpoint: str = ""  # of v2; in v1 the service is its own
    code: Code | None = None  # none for a model without a script
    models: tuple[Model, ...] = ()
    model_mount_path: str = ""  # v2's: models lie there instead, absolute
    variables: Mapping[str, str] = field(default_factory=dict)  # the files' own
    limits: RequestLimits = RequestLimits()
    resources: Resources = Resources()
    port: int | None = None  # of this machine; None: a free one
    auth: Auth = Auth()
    liveness: Probe = LIVENESS_V1
    readiness: Probe = LIVENESS_V1
    routes: Routes = Routes()
    replicas: int = 1
    app_insights: bool = False
    storage_collection: bool = False  # of azureml-monitoring's ModelDataCollector
    collector_config: str = ""  # JSON for COLLECTOR_CONFIG
    schema: Path | None = None  # a Swagger document, of before inference-schema
    isolated: bool = False  # the container is to reach nothing outside
    labels: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def image_name(self) -> str:
        """Name and tag of the image, as Azure's SDKs name them: NAME, or ENDPOINT:DEPLOYMENT."""
        name = f"{self.endpoint}:{self.name}" if self.endpoint else f"{self.name}:latest"
        repository, _, tag = name.partition(":")
        return f"{repository.lower()}:{tag}"

    @property
    def container_name(self) -> str:
        """NAME, or ENDPOINT.DEPLOYMENT, as the SDKs name containers."""
        return f"{self.endpoint}.{self.name}" if self.endpoint else self.name

    def model_target(self, model: Model) -> str:
        """Absolute path in the container of the folder that the model is the one entry of."""
        return self.model_mount_path or posixpath.join(APP_ROOT, model.folder)

    def container_variables(self) -> dict[str, str]:
        """The container's environment variables: those that follow from the files, and over them
        the files' own. No secrets among them.
        """
        return {**self._generated(), **self.environment.variables, **self.variables}

    def _generated(self) -> dict[str, str]:
        found = {}
        if self.code is not None:
            found["AZUREML_ENTRY_SCRIPT"] = self.code.entry_script
            if self.code.app_root != APP_ROOT:
                found["AML_APP_ROOT"] = self.code.app_root
            if self.code.source_directory:
                found["AZUREML_SOURCE_DIRECTORY"] = self.code.source_directory
        if self.models or (self.code is not None and not self.endpoint):
            found["AZUREML_MODEL_DIR"] = self._model_dir()
        numbers = {
            "SCORING_TIMEOUT_MS": self.limits.scoring_timeout_ms,
            "SCORESERVE_QUEUE_TIMEOUT_MS": self.limits.queue_timeout_ms,
            "WORKER_COUNT": self.limits.workers,
        }
        found |= {name: str(value) for name, value in numbers.items() if value is not None}
        if self.app_insights:
            found["AML_APP_INSIGHTS_ENABLED"] = "true"
        if self.storage_collection:
            found["AML_MODEL_DC_STORAGE_ENABLED"] = "true"
        if self.collector_config:
            found["AZUREML_MDC_CONFIG_PATH"] = COLLECTOR_CONFIG
        return found

    def _model_dir(self) -> str:
        """As Azure has it: relative in v1, absolute in v2; the folder of the one model, else that
        of all.
        """
        if self.model_mount_path:
            return self.model_mount_path
        folder = self.models[0].folder if len(self.models) == 1 else f"{MODELS}/"
        return posixpath.join(APP_ROOT, folder) if self.endpoint else folder
