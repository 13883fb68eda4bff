"""Answers /docs: the service's OpenAPI document in Swagger UI, where a request can be tried out.

    /docs               the page, for everybody
    /docs/openapi.json  the document it shows, see `docs_document`; where keys are set, it needs one

Swagger UI's files come from the package of the extra `docs`, which holds them as upstream releases
them. The package is located, never imported: that would bring flask into the front.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from scoreserve.errors import NoSuchSwagger, NotReady
from scoreserve.front.api.docs_document import Service, page_document
from scoreserve.front.api.health import NO_STORE
from scoreserve.front.api.page_files import PageFiles, page_routes
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import ReplyResponse
from scoreserve.front.messages.replies import JSON, Replies
from scoreserve.front.workers.worker_process import Script

SWAGGER_UI_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
_PACKAGE = "flask_swagger_ui"


class DocsDocument:
    """Makes the document of the page. `script` is asked for what a worker has told of it."""

    def __init__(
        self,
        replies: Replies,
        not_ready: Callable[[], NotReady | None],
        script: Callable[[], Script],
        service: Service,
    ) -> None:
        self._replies = replies
        self._not_ready = not_ready
        self._script = script
        self._service = service

    async def document(self, request: Request) -> Response:
        """Answers /docs/openapi.json. Raises NotReady, and NoSuchSwagger where there is none."""
        error = self._not_ready()
        if error is not None:
            raise error
        document = page_document(self._script(), self._service)
        if document is None:
            raise NoSuchSwagger("The types of this script's schemas can be said in no version.")
        body = json.dumps(document).encode()
        return ReplyResponse(self._replies.ok(head_of(request.scope), JSON, body, NO_STORE))


def routes(package: str = _PACKAGE) -> list[BaseRoute]:
    """The routes of /docs and of what the page loads. Without the package the page says how to get
    it.
    """
    dist = _swagger_ui(package)
    if dist is None:
        return page_routes("/docs", "without_swagger_ui.html", PageFiles("docs"))
    return page_routes("/docs", "docs.html", PageFiles("docs", [dist]))


def _swagger_ui(package: str) -> str | None:
    """The folder of Swagger UI's files, if the package is there with all that the page loads."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    folder = os.path.join(os.path.dirname(spec.origin), "dist")
    whole = all(os.path.isfile(os.path.join(folder, name)) for name in SWAGGER_UI_FILES)
    return folder if whole else None
