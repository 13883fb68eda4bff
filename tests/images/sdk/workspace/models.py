"""Registered models, and the assets that their files are."""

from __future__ import annotations

import uuid
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.images.sdk.workspace.times import now

Document = dict[str, Any]

_ASSET = "aml://asset/"
# What a model's document has, be it null.
_FIELDS = (
    *("createdBy", "description", "experimentName", "framework", "frameworkVersion", "mimeType"),
    *("runId", "unpack"),
)


class Models:
    """Models by NAME:VERSION."""

    def __init__(self) -> None:
        self._assets: dict[str, Document] = {}
        self._models: dict[str, Document] = {}

    def __getitem__(self, model_id: str) -> Document:
        """A registered model. Raises KeyError."""
        return self._models[model_id]

    def prefix(self, model: Document) -> str:
        """What the names of its files begin with, among the artifacts."""
        asset = self._assets[model["url"].removeprefix(_ASSET)]
        prefix: str = asset["artifacts"][0]["prefix"]
        return prefix

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/assets", self._create_asset, methods=["POST"]),
            Route("/assets/{id}", self._get_asset),
            Route("/models", self._register, methods=["POST"]),
            Route("/models", self._list),
            Route("/models/{id}", self._get),
        ]

    async def _create_asset(self, request: Request) -> JSONResponse:
        asset = {**await request.json(), "id": uuid.uuid4().hex, "createdTime": now()}
        self._assets[asset["id"]] = asset
        return JSONResponse(asset)

    async def _get_asset(self, request: Request) -> JSONResponse:
        return _found(self._assets.get(request.path_params["id"]))

    async def _register(self, request: Request) -> JSONResponse:
        model = {**dict.fromkeys(_FIELDS), **await request.json()}
        version = len(self._versions(model["name"])) + 1
        for field, default in (("kvTags", {}), ("properties", {}), ("datasets", [])):
            model[field] = model.get(field) or default
        model.update(id=f"{model['name']}:{version}", version=version, createdTime=now())
        self._models[model["id"]] = model
        return JSONResponse(model)

    async def _list(self, request: Request) -> JSONResponse:
        versions = self._versions(request.query_params.get("name", ""))
        return JSONResponse({"value": versions[::-1]})

    async def _get(self, request: Request) -> JSONResponse:
        return _found(self._models.get(request.path_params["id"]))

    def _versions(self, name: str) -> list[Document]:
        return [model for model in self._models.values() if name in ("", model["name"])]


def _found(document: Document | None) -> JSONResponse:
    if document is None:
        return JSONResponse({"code": "NotFound", "statusCode": 404}, status_code=404)
    return JSONResponse(document)
