"""Answers /swagger.json with the documents that a worker made of the script's schemas."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from scoreserve.errors import NoSuchSwagger, NotReady
from scoreserve.front.api.asgi import Receive
from scoreserve.front.messages.replies import JSON, RUN_NOT_FAILED, Replies, Reply
from scoreserve.wire import RequestHead

# What a client may ask for, and the version it gets.
_VERSIONS = {"2": "2", "2.0": "2", "3": "3", "3.0": "3", "3.1": "3.1"}


class SwaggerEndpoint:
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

    async def __call__(self, head: RequestHead, receive: Receive) -> Reply:
        instead = self._replies.instead(head, self._not_ready())
        if instead is not None:
            return instead
        query = parse_qs(head.query.decode("latin-1"), keep_blank_values=True)
        asked = query.get("version", ["2"])[0]
        documents = self._documents()
        supported = ", ".join(sorted(documents))
        if asked not in _VERSIONS:
            message = f"Swagger version [{asked}] is not valid. Supported versions: [{supported}]."
            return self._replies.error(head, NoSuchSwagger(message))
        document = documents.get(_VERSIONS[asked])
        if not document:
            message = (
                f"Swagger version [{asked}] is not supported for the scoring script."
                f" Supported swagger versions: [{supported}]."
            )
            return self._replies.error(head, NoSuchSwagger(message))
        # The reference makes the answer of a class that says of every answer that run() has not
        # failed.
        return self._replies.ok(head, JSON, json.dumps(document).encode(), RUN_NOT_FAILED)
