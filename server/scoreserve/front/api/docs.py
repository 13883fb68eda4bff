"""Answers /docs: the service's OpenAPI document in Swagger UI, where a request can be tried out.

Swagger UI's files come from the package of the extra `docs`, which holds them as upstream releases
them. The package is located, never imported: that would bring flask into the front.

Addresses in the page are relative: in front of the service there may be a proxy that adds a path
prefix. They name no version of a file, so a browser asks each time whether its copy is good.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

SWAGGER_UI_FILES = (
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "favicon-32x32.png",
)
_PACKAGE = "flask_swagger_ui"
_OURS = os.path.join(os.path.dirname(__file__), "static")

# The page takes everything from its own origin; data: holds Swagger UI's icons, blob: images that
# a script answers with.
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


class DocsFiles(StaticFiles):
    """Our files and Swagger UI's, with what a browser is told of each."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers.update(_HEADERS)
        return response


def routes(package: str = _PACKAGE) -> list[BaseRoute]:
    """The routes of /docs and of what the page loads. Without the package the page says how to get
    it.
    """
    installed = _has_swagger_ui(package)
    files = DocsFiles(directory=_OURS, packages=[(package, "dist")] if installed else None)
    page = "docs.html" if installed else "docs_without_swagger_ui.html"

    async def docs(request: Request) -> Response:
        return await files.get_response(page, request.scope)

    return [Route("/docs", docs, methods=["GET"]), Mount("/docs", files)]


def _has_swagger_ui(package: str) -> bool:
    """Whether the package is there, with all that the page loads of it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return False
    folder = os.path.join(os.path.dirname(spec.origin), "dist")
    return all(os.path.isfile(os.path.join(folder, name)) for name in SWAGGER_UI_FILES)
