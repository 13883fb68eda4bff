"""Packages: what an image of an environment, an entry script and models is built from.

The SDK downloads a manifest of the build context and has Docker build it. Azure builds the
environment's image beforehand, and the package's Dockerfile is `FROM` it; here both are one.
"""

from __future__ import annotations

import base64
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.images.sdk.workspace import dockerfiles, hosts
from tests.images.sdk.workspace.artifacts import SCHEME
from tests.images.sdk.workspace.blobs import Blobs
from tests.images.sdk.workspace.environments import Environments, image_name
from tests.images.sdk.workspace.models import Models
from tests.images.sdk.workspace.operations import Operations

Document = dict[str, Any]

_AZURE_S = "mcr.microsoft.com/azureml/"  # images that ours takes the place of
_APP = "azureml-app"  # the context's folder that becomes AML_APP_ROOT
_MODELS = "azureml-models"


class Packages:
    """Makes manifests of build contexts. `base` is the image that takes the place of Azure's."""

    def __init__(
        self,
        base: str,
        blobs: Blobs,
        models: Models,
        environments: Environments,
        operations: Operations,
    ) -> None:
        self._base = base
        self._blobs = blobs
        self._models = models
        self._environments = environments
        self._operations = operations
        self._manifests: list[Document] = []

    @property
    def routes(self) -> list[Route]:
        return [Route("/packages", self._create, methods=["POST"])]

    @property
    def manifests(self) -> Route:
        """Where they are downloaded from, which is not below the workspace."""
        return Route("/manifests/{number:int}", self._get)

    async def _create(self, request: Request) -> Response:
        package = await request.json()
        self._manifests.append(self.manifest(package["imageRequest"]))
        number = len(self._manifests) - 1
        ended = {
            "operationType": f"Package{package['packageType']}",
            "state": "Succeeded",
            "resourceLocation": f"https://{hosts.SERVICES}/manifests/{number}",
        }
        return self._operations.accept(lambda: ended)

    async def _get(self, request: Request) -> JSONResponse:
        return JSONResponse(self._manifests[request.path_params["number"]])

    def manifest(self, image: Document) -> Document:
        """The build context of an "environment image request": an `environment`, the ids of
        models, and `assets`, one of which is the `driverProgram`.
        """
        environment = self._environments.save(image["environment"])
        docker, python = environment["docker"], environment["python"]
        dockerfile = docker["baseDockerfile"] or f"FROM {self._base_of(docker['baseImage'])}"
        dockerfile += "\n"
        context = []
        if not python["userManagedDependencies"]:
            text, wheels = self._conda_file(python["condaDependencies"])
            prefix = image_name(environment).replace("azureml/", "/azureml-envs/")
            dockerfile += dockerfiles.conda_steps(prefix, wheels=bool(wheels))
            context += [_inline(dockerfiles.CONDA_FILE, text)]
            context += [_remote(f"{SCHEME}{name}", dockerfiles.WHEELS) for name in wheels]
        models = [self._models[model_id] for model_id in image["modelIds"]]
        for model in models:
            context += [_remote(f"{SCHEME}{self._models.prefix(model)}", f"{_APP}/{_path(model)}")]
        for asset in image["assets"]:
            context += [_remote(asset["url"], _APP, unpack=asset.get("unpack", False))]
        variables = {"AZUREML_MODEL_DIR": _path(models[0]) if len(models) == 1 else _MODELS}
        variables |= environment["environmentVariables"] or {}
        dockerfile += dockerfiles.package_steps(image["driverProgram"], variables)
        return {
            "context": [_inline("Dockerfile", dockerfile), *context],
            "environment": {field: environment[field] for field in ("name", "version")},
        }

    def _base_of(self, image: str) -> str:
        return self._base if image.startswith(_AZURE_S) else image

    def _conda_file(self, dependencies: Document) -> tuple[str, list[str]]:
        """The file, and the workspace's wheels that it names, with each beside the file."""
        text: str = yaml.safe_dump(dependencies)
        wheels = [name for name in self._blobs.contents if self._blobs.url(name) in text]
        for name in wheels:
            file = name.rpartition("/")[2]
            text = text.replace(self._blobs.url(name), f"/{dockerfiles.WHEELS}/{file}")
        return text, wheels


def _path(model: Document) -> str:
    """The layout of registered models."""
    return f"{_MODELS}/{model['name']}/{model['version']}"


def _inline(path: str, text: str) -> Document:
    content = base64.b64encode(text.encode()).decode()
    return {"entryType": "inline", "encoding": "base64", "path": path, "content": content}


def _remote(uri: str, folder: str, *, unpack: bool = False) -> Document:
    return {"entryType": "remote", "uri": uri, "path": folder, "unpack": unpack}
