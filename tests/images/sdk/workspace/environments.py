"""Registered environments, and the images that they would have in the workspace's registry."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Document = dict[str, Any]

_UNNAMED = ("name", "version", "environmentVariables")  # play no part in the image's name


class Environments:
    """Definitions by name and version.

    `registry` has the credentials that the SDK logs in with: address, username, password.
    """

    def __init__(self, registry: Mapping[str, str]) -> None:
        self._registry = dict(registry)
        self._definitions: dict[str, dict[str, Document]] = {}

    def save(self, definition: Document) -> Document:
        """The definition with a version: its own, or one that is made for it."""
        versions = self._definitions.setdefault(definition["name"], {})
        version = definition.get("version") or str(len(versions) + 1)
        versions[version] = {**definition, "version": version}
        return versions[version]

    @property
    def routes(self) -> list[Route]:
        name, version = "/environments/{name}", "/environments/{name}/versions/{version}"
        return [
            *(Route(path, self._register, methods=["PUT"]) for path in (name, version)),
            *(Route(path, self._get) for path in (name, version)),
            *(Route(f"{path}/image", self._image) for path in (name, version)),
        ]

    async def _register(self, request: Request) -> JSONResponse:
        sent = await request.json()
        # Of some keys the SDK begins with a capital.
        definition = {key[0].lower() + key[1:]: value for key, value in sent.items()}
        definition["version"] = request.path_params.get("version")
        return JSONResponse(self.save(definition))

    async def _get(self, request: Request) -> JSONResponse:
        found = self._find(request)
        return JSONResponse(found or {"error": {"code": "UserError"}}, 200 if found else 404)

    async def _image(self, request: Request) -> JSONResponse:
        found = self._find(request)
        if found is None:
            return JSONResponse({"error": {"code": "UserError"}}, status_code=404)
        image = {"name": image_name(found), "registry": self._registry}
        return JSONResponse({"imageExistsInRegistry": True, "dockerImage": image})

    def _find(self, request: Request) -> Document | None:
        versions = self._definitions.get(request.path_params["name"], {})
        if not versions:
            return None
        return versions.get(request.path_params.get("version") or list(versions)[-1])


def image_name(definition: Document) -> str:
    """An image's name by what is in it. Azure's is made likewise, in a way that is not public."""
    content = {key: value for key, value in definition.items() if key not in _UNNAMED}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return f"azureml/azureml_{digest[:32]}"
