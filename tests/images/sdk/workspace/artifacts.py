"""Artifacts: the files of a workspace by origin, container and path, which are blobs of the same
name.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.images.sdk.workspace.blobs import Blobs

SCHEME = "aml://artifact/"
_SIGNATURE = "?sig=none"


class Artifacts:
    """Tells where blobs are, and under which names they may be written."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/artifacts/batch/metadata/{origin}/{container}", self._create, methods=["POST"]),
            Route("/artifacts/prefix/contentinfo/{prefix:path}", self._list),
            Route("/artifacts/contentinfo/{name:path}", self._where),
        ]

    async def _create(self, request: Request) -> JSONResponse:
        folder = "{origin}/{container}".format(**request.path_params)
        paths = [each["path"] for each in (await request.json())["paths"]]
        return JSONResponse(
            {
                "artifacts": {path: _artifact(f"{folder}/{path}") for path in paths},
                "artifactContentInformation": {
                    path: self._information(f"{folder}/{path}") for path in paths
                },
                "errors": {},
            }
        )

    async def _list(self, request: Request) -> JSONResponse:
        prefix = request.path_params["prefix"].rstrip("/")  # the SDK adds them to files too
        names = self._blobs.names(prefix)
        return JSONResponse({"value": [self._information(name) for name in names]})

    async def _where(self, request: Request) -> JSONResponse:
        return JSONResponse(self._information(request.path_params["name"]))

    def _information(self, name: str) -> dict[str, Any]:
        return {**_parts(name), "contentUri": self._blobs.url(name) + _SIGNATURE}


def _artifact(name: str) -> dict[str, Any]:
    return {**_parts(name), "artifactId": name}


def _parts(name: str) -> dict[str, str]:
    origin, container, path = name.split("/", 2)
    return {"origin": origin, "container": container, "path": path}
