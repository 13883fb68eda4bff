"""Serves the files of the pages for people, /docs and /status, with what a browser is told of each.

A page is a plain file, the same for everybody: what it shows it asks for, with an API key where one
is needed. Addresses in it are relative: in front of the service there may be a proxy that adds a
path prefix. They name no version of a file, so a browser asks each time whether its copy is good.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

_OURS = os.path.join(os.path.dirname(__file__), "static")
_SHARED = os.path.join(_OURS, "shared")

# A page takes everything from its own origin; data: holds Swagger UI's icons, blob: images that a
# script answers with, and the styles inside are Swagger UI's.
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


class PageFiles(StaticFiles):
    """The files of one page: those of its folder in `static`, what pages share, and others."""

    def __init__(self, folder: str, others: Sequence[str] = ()) -> None:
        own = os.path.join(_OURS, folder)
        super().__init__(directory=own)
        self.all_directories = [own, _SHARED, *others]

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers.update(_HEADERS)
        return response


def page_routes(path: str, page: str, files: PageFiles) -> list[BaseRoute]:
    """The routes of the page at `path`, and of what it loads from below that."""

    async def answer(request: Request) -> Response:
        return await files.get_response(page, request.scope)

    return [Route(path, answer, methods=["GET"]), Mount(path, files)]
