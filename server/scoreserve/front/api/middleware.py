"""What every request passes before its route: it is counted and logged, and may need an API key."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from scoreserve.front.api.auth import ApiKeyAuth
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import REPLY, ReplyResponse
from scoreserve.front.messages.replies import Reply, lines_of
from scoreserve.front.observe.counters import OTHER, Metrics
from scoreserve.front.observe.request_log import RequestLog
from scoreserve.heads import RequestHead


class LeadingSlashes:
    """`//score` is `/score`, as it is for the reference."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("//"):
            scope["path"] = "/" + scope["path"].lstrip("/")
        await self._app(scope, receive, send)


class Observation:
    """Counts every request and its answer, and logs them.

    `routes` are the paths with counters of their own; what ends with a slash is a folder. The value
    is whether they are logged as the reference does for its API, with a line of their own.
    """

    def __init__(
        self, app: ASGIApp, log: RequestLog, metrics: Metrics, routes: Mapping[str, bool]
    ) -> None:
        self._app = app
        self._log = log
        self._metrics = metrics
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        route = _route(scope["path"], self._routes)
        counters = self._metrics.route(route)
        received = 0

        async def measured() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                head, reply = head_of(scope), _reply(scope, message)
                seconds = time.perf_counter() - started
                self._log.record(head, reply, seconds, api=self._routes.get(route, False))
                counters.answered(head.method, reply, received)
            elif _is_streamed(scope):
                counters.sent_bytes += len(message.get("body", b""))
            await send(message)

        await self._app(scope, measured, counted)


class ApiKeyMiddleware:
    """Lets only requests with an API key come to the `guarded` paths; what ends with a slash is a
    folder.
    """

    def __init__(self, app: ASGIApp, auth: ApiKeyAuth, guarded: Collection[str]) -> None:
        self._app = app
        self._auth = auth
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _route(scope["path"], self._guarded) != OTHER:
            head: RequestHead = head_of(scope)
            refusal = self._auth.refuse(head)
            if refusal is not None:
                await ReplyResponse(refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _route(path: str, routes: Collection[str]) -> str:
    """The one of these routes that a path belongs to, or OTHER."""
    if path in routes:
        return path
    folder = path[: path.rfind("/", 0, -1) + 1]
    return folder if folder in routes and folder != "/" else OTHER


def _is_streamed(scope: Scope) -> bool:
    reply: Reply | None = scope.get(REPLY)
    return reply is not None and reply.stream is not None


def _reply(scope: Scope, start: Message) -> Reply:
    """What is being sent, as a Reply, whatever response of Starlette's it is."""
    reply: Reply | None = scope.get(REPLY)
    if reply is not None:
        return reply
    headers = dict(start["headers"])
    length = int(headers.get(b"content-length", 0))
    return Reply(start["status"], lines_of(start["headers"]), length=length)
