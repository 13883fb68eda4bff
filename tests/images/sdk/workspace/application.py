"""Which host and path each part of the workspace answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Host, Mount, Route, Router

from tests.images.sdk.workspace import hosts
from tests.images.sdk.workspace.artifacts import Artifacts
from tests.images.sdk.workspace.blobs import Blobs
from tests.images.sdk.workspace.environments import Environments
from tests.images.sdk.workspace.models import Models
from tests.images.sdk.workspace.operations import Operations
from tests.images.sdk.workspace.packages import Packages
from tests.images.sdk.workspace.services import Services
from tests.images.sdk.workspace.times import now

_WORKSPACE = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.MachineLearningServices/workspaces/{workspace}"
)
# The services of a workspace, by the names that the SDK looks for.
_KINDS = (
    "api",
    "experimentation",
    "history",
    "hyperdrive",
    "modelmanagement",
    "pipelines",
    "studio",
)


def application(base: str, registry: Mapping[str, str]) -> Starlette:
    """A workspace in which nothing is registered. `base` is the image that takes the place of
    Azure's, and `registry` what the SDK logs in with where that is. In the end, none of its
    services is left.
    """
    blobs, models, operations = Blobs(), Models(), Operations()
    environments = Environments(registry)
    packages = Packages(base, blobs, models, environments, operations)
    services = Services(blobs, models, packages, operations)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        services.remove_all()

    management = [
        Route("/metadata/endpoints", _clouds),
        Route("/subscriptions", _subscriptions),
        Route(_WORKSPACE, _workspace),
    ]
    of_workspaces = [
        Route("/discovery", _discovery),
        Operations.logs(),
        packages.manifests,
        _below("artifact", Artifacts(blobs).routes),
        _below("environment", environments.routes),
        _below(
            "modelmanagement",
            [*models.routes, *packages.routes, *services.routes, *operations.routes],
        ),
    ]
    routes: dict[str, Sequence[BaseRoute]] = {
        hosts.MANAGEMENT: management,
        hosts.SERVICES: of_workspaces,
        hosts.BLOBS: blobs.routes,
    }
    return Starlette(
        routes=[Host(host, Router(each)) for host, each in routes.items()], lifespan=lifespan
    )


def _below(service: str, routes: list[Route]) -> Mount:
    """The routes of one service for a workspace."""
    return Mount(f"/{service}/{{version}}{_WORKSPACE}", routes=routes)


async def _clouds(request: Request) -> JSONResponse:
    return JSONResponse([])  # no others than those that the SDK knows itself


async def _subscriptions(request: Request) -> JSONResponse:
    return JSONResponse({"value": [{"subscriptionId": hosts.SUBSCRIPTION, "displayName": "test"}]})


async def _workspace(request: Request) -> JSONResponse:
    name = request.path_params["workspace"]
    properties = {
        "creationTime": now(),
        "discoveryUrl": f"https://{hosts.SERVICES}/discovery",
        "friendlyName": name,
        "workspaceId": "00000000-0000-0000-0000-000000000001",
    }
    return JSONResponse(
        {"id": request.url.path, "name": name, "location": "westeurope", "properties": properties}
    )


async def _discovery(request: Request) -> JSONResponse:
    return JSONResponse(dict.fromkeys(_KINDS, f"https://{hosts.SERVICES}"))
