"""Answers /swagger.json with the documents that a worker made of the script's schemas."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from scoreserve.errors import NoSuchSwagger, NotReady
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import ReplyResponse
from scoreserve.front.messages.replies import JSON, RUN_NOT_FAILED, Replies

# What a client may ask for, and the version it gets.
_VERSIONS = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}


class Swagger:
    """`documents` gives the documents by version; empty until a worker is ready."""

    def __init__(
        self,
        replies: Replies,
        not_ready: Callable[[], NotReady | None],
        documents: Callable[[], Mapping[str, Any]],
    ) -> None:
        self._replies = replies
        self._not_ready = not_ready
        self._documents = documents

    async def document(self, request: Request) -> Response:
        """The document of the version that the query asks for."""
        error = self._not_ready()
        if error is not None:
            raise error
        asked = request.query_params.getlist("version") or ["2"]
        # The reference makes the answer of a class that says of every answer that run() has not
        # failed.
        body = json.dumps(self._find(asked[0])).encode()
        head = head_of(request.scope)
        return ReplyResponse(self._replies.ok(head, JSON, body, RUN_NOT_FAILED))

    def _find(self, asked: str) -> Any:
        """Raises NoSuchSwagger."""
        documents = self._documents()
        supported = ", ".join(sorted(documents))
        if asked not in _VERSIONS:
            raise NoSuchSwagger(
                f"Swagger version [{asked}] is not valid. Supported versions: [{supported}]."
            )
        document = documents.get(_VERSIONS[asked])
        if not document:
            raise NoSuchSwagger(
                f"Swagger version [{asked}] is not supported for the scoring script."
                f" Supported swagger versions: [{supported}]."
            )
        return document
