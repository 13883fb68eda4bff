"""Services of Azure Container Instances and of Azure Kubernetes Service: a document each, and a
container, on this machine, of the image that Azure would build.
"""

from __future__ import annotations

import tempfile
import uuid
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.images import podman
from tests.images.podman import Container
from tests.images.sdk.workspace.blobs import Blobs
from tests.images.sdk.workspace.build_contexts import write_context
from tests.images.sdk.workspace.models import Models
from tests.images.sdk.workspace.operations import Operations
from tests.images.sdk.workspace.packages import Packages
from tests.images.sdk.workspace.times import now

Document = dict[str, Any]

IMAGE = "scoreserve-test-workspace"
_OPERATION_STATES = {"Transitioning": "Running", "Healthy": "Succeeded", "Failed": "Failed"}
_CRASHED = {"code": "AciDeploymentFailed", "statusCode": 400, "message": "The container crashed."}
_RESOURCES = ("cpu", "cpuLimit", "memoryInGB", "memoryInGBLimit", "gpu")
# What the SDK's documents must have, be it null.
_FIELDS = (
    *("aadAuthEnabled", "appInsightsEnabled", "autoScaler", "cname", "computeName", "description"),
    *("kvTags", "location", "maxConcurrentRequestsPerContainer", "maxQueueWaitMs", "numReplicas"),
    *("properties", "publicIp", "scoringTimeoutMs", "sslCertificate", "sslEnabled", "sslKey"),
)
_NEEDS_KEY = {"ACI": False, "AKS": True}  # where the request does not say
_NOT_COLLECTED = {"storageEnabled": False, "eventHubEnabled": False}


class Service:
    """What was asked for, and the container that answers."""

    def __init__(self, asked: Document) -> None:
        self._asked = asked
        self._created = now()
        self._container: Container | None = None
        given = asked.get("keys") or {}
        self.keys = {
            name: given.get(name) or uuid.uuid4().hex for name in ("primaryKey", "secondaryKey")
        }

    @property
    def image_request(self) -> Document:
        """What its image is made of."""
        request: Document = self._asked["environmentImageRequest"]
        return request

    @property
    def _needs_key(self) -> bool:
        asked: bool | None = self._asked.get("authEnabled")
        return _NEEDS_KEY[self._asked["computeType"]] if asked is None else asked

    def patch(self, changes: list[Document]) -> None:
        """Changes what is asked for: by a JSON patch (RFC 6902) of `add` and `replace`."""
        for change in changes:
            *folders, field = change["path"].strip("/").split("/")
            target = self._asked
            for folder in folders:
                target = target.setdefault(folder, {})
            target[field] = change["value"]

    def run(self, image: str) -> None:
        """Starts a container in the place of the one that there may be."""
        self.remove()
        variables = {"SERVICE_NAME": self._asked["name"]}
        if self._needs_key:
            variables["SCORESERVE_API_KEYS"] = ",".join(self.keys.values())
        options = ["--publish", "127.0.0.1::5001"]
        for name, value in variables.items():
            options += ["--env", f"{name}={value}"]
        started = podman.podman("run", "--detach", *options, image)
        self._container = Container(started, Path(tempfile.gettempdir()))

    def remove(self) -> None:
        if self._container is not None:
            podman.podman("rm", "--force", "--time", "0", self._container.id)
            self._container = None

    @property
    def logs(self) -> str:
        return self._container.logs if self._container else ""

    @property
    def state(self) -> str:
        """As Azure's documents name it."""
        if self._container is None:
            return "Transitioning"
        if self._container.inspect("{{.State.Status}}") == "exited":
            return "Failed"
        return "Healthy" if self._container.answers_200() else "Transitioning"

    def document(self, models: list[Document]) -> Document:
        """What the SDK makes its object of."""
        state = self.state
        resources = self._asked.get("containerResourceRequirements") or {}
        told = {
            **dict.fromkeys(_FIELDS),
            **self._asked,
            "authEnabled": self._needs_key,
            "containerResourceRequirements": {**dict.fromkeys(_RESOURCES), **resources},
            "createdTime": self._created,
            "dataCollection": self._asked.get("dataCollection") or _NOT_COLLECTED,
            "models": models,
            "scoringUri": None,
            "state": state,
        }
        if self._container and state != "Failed":
            told["scoringUri"] = f"http://127.0.0.1:{self._container.port}/score"
        return told


class Services:
    """The services of a workspace by their names."""

    def __init__(
        self, blobs: Blobs, models: Models, packages: Packages, operations: Operations
    ) -> None:
        self._blobs = blobs
        self._models = models
        self._packages = packages
        self._operations = operations
        self._services: dict[str, Service] = {}

    def remove_all(self) -> None:
        """Leaves no container."""
        for service in self._services.values():
            service.remove()

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/services", self._create, methods=["POST"]),
            Route("/services", self._list),
            Route("/services/{name}", self._get),
            Route("/services/{name}", self._update, methods=["PATCH"]),
            Route("/services/{name}", self._delete, methods=["DELETE"]),
            Route("/services/{name}/logs", self._logs),
            Route("/services/{name}/listkeys", self._keys, methods=["POST"]),
        ]

    async def _create(self, request: Request) -> Response:
        asked = await request.json()
        service = self._services[asked["name"]] = Service(asked)
        return await run_in_threadpool(self._deploy, service)

    async def _update(self, request: Request) -> Response:
        service = self._services[request.path_params["name"]]
        service.patch(await request.json())
        return await run_in_threadpool(self._deploy, service)

    def _deploy(self, service: Service) -> Response:
        with tempfile.TemporaryDirectory() as folder:
            manifest = self._packages.manifest(service.image_request)
            write_context(manifest, self._blobs, Path(folder))
            service.run(podman.build(Path(folder), IMAGE, "--tls-verify=false"))

        def tell() -> Document:
            state = _OPERATION_STATES[service.state]
            error = _CRASHED if state == "Failed" else None
            return {"operationType": "Service", "state": state, "error": error}

        return self._operations.accept(tell)

    def _list(self, request: Request) -> Response:
        return JSONResponse({"value": [self._document(each) for each in self._services.values()]})

    def _get(self, request: Request) -> Response:
        service = self._services.get(request.path_params["name"])
        if service is None:
            return JSONResponse({"code": "NotFound"}, status_code=404)
        return JSONResponse(self._document(service))

    def _document(self, service: Service) -> Document:
        return service.document([self._models[each] for each in service.image_request["modelIds"]])

    def _delete(self, request: Request) -> Response:
        self._services.pop(request.path_params["name"]).remove()
        return Response()

    def _logs(self, request: Request) -> Response:
        return JSONResponse({"content": self._services[request.path_params["name"]].logs})

    def _keys(self, request: Request) -> Response:
        return JSONResponse(self._services[request.path_params["name"]].keys)
