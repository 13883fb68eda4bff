"""The workspace's storage account: the part of Azure's Blob service that the SDK uses, with blobs
that are uploaded whole, as those below 64 MiB are.

https://learn.microsoft.com/rest/api/storageservices/put-blob
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.images.sdk.workspace import hosts

CONTAINER = "azureml"
_MODIFIED = "Mon, 01 Jan 2024 00:00:00 GMT"
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class Blobs:
    """Contents by name."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def url(self, name: str) -> str:
        """Where a blob is, without a signature."""
        return f"https://{hosts.BLOBS}/{CONTAINER}/{name}"

    def names(self, prefix: str) -> list[str]:
        """A blob of this name, or those of a folder."""
        return sorted(
            name for name in self.contents if name == prefix or name.startswith(f"{prefix}/")
        )

    @property
    def routes(self) -> list[Route]:
        path = f"/{CONTAINER}/{{name:path}}"
        return [
            Route(path, self._put, methods=["PUT"]),
            Route(path, self._get, methods=["GET", "HEAD"]),
        ]

    async def _put(self, request: Request) -> Response:
        self.contents[request.path_params["name"]] = await request.body()
        return Response(status_code=201, headers=_headers())

    async def _get(self, request: Request) -> Response:
        content = self.contents.get(request.path_params["name"])
        if content is None:
            return Response(status_code=404, headers={"x-ms-error-code": "BlobNotFound"})
        wanted = _RANGE.fullmatch(request.headers.get("x-ms-range", ""))
        if wanted is None or not content:
            return Response(content, headers=_headers())
        first, last = int(wanted[1]), min(int(wanted[2] or len(content)), len(content) - 1)
        span = {"Content-Range": f"bytes {first}-{last}/{len(content)}"}
        return Response(content[first : last + 1], 206, {**_headers(), **span})


def _headers() -> dict[str, str]:
    return {"ETag": '"1"', "Last-Modified": _MODIFIED, "x-ms-blob-type": "BlockBlob"}
