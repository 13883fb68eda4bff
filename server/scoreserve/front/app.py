"""The front's ASGI application: which path is answered by what.

Complete on its own: it runs under any ASGI server and in a test client, given its endpoints. Every
route of ours is one exact path, so finding it is one look into a table.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from scoreserve.errors import NoSuchMethod, NoSuchPath, ReplyError
from scoreserve.front.access_log import AccessLog
from scoreserve.front.asgi import Receive, Scope, Send, gather, request_head, send_reply
from scoreserve.front.guard import Guard
from scoreserve.front.replies import HTML, Replies, Reply, bare_error
from scoreserve.wire import RequestHead

# Answers a request, or returns None when the client has left.
Endpoint = Callable[[RequestHead, Receive], Awaitable[Reply | None]]


class Route(NamedTuple):
    """What answers a path, and with which methods it may be asked.

    `logged`: as the reference does for its API, with a line of its own. `guarded`: only with an API
    key, where keys are set.
    """

    endpoint: Endpoint
    methods: frozenset[str]
    logged: bool = False
    guarded: bool = False


class Application:
    """The ASGI application over a table of routes by path. `guard`: API keys are needed."""

    def __init__(
        self, routes: Mapping[str, Route], log: AccessLog, guard: Guard | None = None
    ) -> None:
        self._routes = routes
        self._log = log
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is served here, not {scope['type']}")
        started = time.perf_counter()
        head = request_head(scope)
        route = self._routes.get(scope["path"]) or self._routes.get(_merged(scope["path"]))
        reply = self._refuse(head, route)
        if reply is None and route is not None:
            reply = await route.endpoint(head, receive)
        if reply is None:
            return
        logged = route is not None and route.logged
        self._log.record(head, reply, time.perf_counter() - started, api=logged)
        if reply.stream is not None and head.http_version == b"1.0":
            gathered = await gather(reply, reply.stream)
            if gathered is None:
                raise ConnectionAbortedError("the body broke off before any of it was sent")
            reply = gathered
        await send_reply(reply, receive, send)

    def _refuse(self, head: RequestHead, route: Route | None) -> Reply | None:
        """The reply to a request that no endpoint sees."""
        if route is None:
            return bare_error(NoSuchPath())
        if self._guard is not None and route.guarded:
            refusal = self._guard.refuse(head)
            if refusal is not None:
                return refusal
        if head.method.decode() not in route.methods:
            return bare_error(NoSuchMethod())
        return None


def _merged(path: str) -> str:
    """`//score` is `/score`, as it is for the reference."""
    return "/" + path.lstrip("/")


class Health:
    """Answers `/`: 200 `Healthy` while a worker can score and the server is to stay, else 502, or
    503 from SIGTERM on.
    """

    def __init__(self, replies: Replies, not_ready: Callable[[], ReplyError | None]) -> None:
        self._replies = replies
        self._not_ready = not_ready

    async def __call__(self, head: RequestHead, receive: Receive) -> Reply:
        instead = self._replies.instead(head, self._not_ready())
        return instead or self._replies.ok(head, HTML, b"Healthy")


def create_app(  # noqa: PLR0913 - an endpoint each
    *,
    score: Endpoint,
    health: Endpoint,
    swagger: Endpoint,
    docs: Mapping[str, Route],
    log: AccessLog,
    guard: Guard | None = None,
) -> Application:
    """The application with all its routes."""
    read = frozenset({"GET", "HEAD", "OPTIONS"})
    return Application(
        {
            **docs,
            "/": Route(health, read),
            "/score": Route(score, read | {"POST"}, logged=True, guarded=True),
            "/swagger.json": Route(swagger, read, logged=True, guarded=True),
        },
        log,
        guard,
    )
