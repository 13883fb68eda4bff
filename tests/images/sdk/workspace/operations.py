"""Operations: what a request has begun, which the SDK asks after until it has ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from tests.images.sdk.workspace import hosts

Document = dict[str, Any]


class Operations:
    """Each is a function that tells how far it is."""

    def __init__(self) -> None:
        self._operations: dict[str, Callable[[], Document]] = {}

    def accept(self, tell: Callable[[], Document]) -> Response:
        """The answer to a request that has begun one: 202, and where to ask."""
        operation_id = uuid.uuid4().hex
        self._operations[operation_id] = tell
        location = f"https://{hosts.SERVICES}/operations/{operation_id}"
        return JSONResponse({}, status_code=202, headers={"Operation-Location": location})

    @property
    def routes(self) -> list[Route]:
        return [Route("/operations/{id}", self._get)]

    def _get(self, request: Request) -> JSONResponse:
        operation_id = request.path_params["id"]
        log = f"https://{hosts.SERVICES}/operations/{operation_id}/log"
        told = {"id": operation_id, "operationLog": log, **self._operations[operation_id]()}
        return JSONResponse(told)

    @staticmethod
    def logs() -> Route:
        """Their logs, which are elsewhere, and empty."""
        return Route("/operations/{id}/log", _log)


async def _log(request: Request) -> PlainTextResponse:
    return PlainTextResponse("")
