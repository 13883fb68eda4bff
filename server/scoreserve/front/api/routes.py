"""The front's ASGI application: which path is answered by what.

Complete on its own: it runs under any ASGI server and in a test client, given its endpoints. Every
route of ours is one exact path, so finding it is one look into a table.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from scoreserve.errors import NoSuchMethod, NoSuchPath
from scoreserve.front.api.asgi import (
    Message,
    Receive,
    Scope,
    Send,
    gather,
    request_head,
    send_reply,
)
from scoreserve.front.api.auth import ApiKeyAuth
from scoreserve.front.messages.replies import Reply, bare_error
from scoreserve.front.observe.access_log import AccessLog
from scoreserve.front.observe.counters import OTHER, Metrics, RouteCounters
from scoreserve.wire import RequestHead

# Answers a request, or returns None when the client has left.
Endpoint = Callable[[RequestHead, Receive], Awaitable[Reply | None]]


READ = frozenset({"GET", "HEAD", "OPTIONS"})


class Route(NamedTuple):
    """What answers a path, and with which methods it may be asked.

    `logged`: as the reference does for its API, with a line of its own. `guarded`: only with an API
    key, where keys are set.
    """

    endpoint: Endpoint
    methods: frozenset[str] = READ
    logged: bool = False
    guarded: bool = False


class Application:
    """The ASGI application over a table of routes by path. `auth`: API keys are needed."""

    def __init__(
        self,
        routes: Mapping[str, Route],
        log: AccessLog,
        metrics: Metrics,
        auth: ApiKeyAuth | None = None,
    ) -> None:
        self._routes = {path: (route, metrics.route(path)) for path, route in routes.items()}
        self._nowhere = (None, metrics.route(OTHER))
        self._log = log
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is served here, not {scope['type']}")
        started = time.perf_counter()
        head = request_head(scope)
        path = scope["path"]
        found = self._routes.get(path) or self._routes.get(_merged(path))
        route, counters = found or self._nowhere
        body = _Measured(receive)
        reply = self._refuse(head, route)
        if reply is None and route is not None:
            reply = await route.endpoint(head, body.receive)
        if reply is None:
            return
        logged = route is not None and route.logged
        self._log.record(head, reply, time.perf_counter() - started, api=logged)
        counters.answered(head.method, reply, body.size)
        if reply.stream is not None:
            send = _counting(send, counters)
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
        if self._auth is not None and route.guarded:
            refusal = self._auth.refuse(head)
            if refusal is not None:
                return refusal
        if head.method.decode() not in route.methods:
            return bare_error(NoSuchMethod())
        return None


def _merged(path: str) -> str:
    """`//score` is `/score`, as it is for the reference."""
    return "/" + path.lstrip("/")


class _Measured:
    """An ASGI `receive` that adds up the body it brings."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.size = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self.size += len(message.get("body", b""))
        return message


def _counting(send: Send, counters: RouteCounters) -> Send:
    """An ASGI `send` that counts the body of a response as it goes out."""

    async def counted(message: Message) -> None:
        counters.sent_bytes += len(message.get("body", b""))
        await send(message)

    return counted


def create_app(  # noqa: PLR0913 - an endpoint each
    *,
    score: Endpoint,
    swagger: Endpoint,
    others: Mapping[str, Route],
    log: AccessLog,
    metrics: Metrics,
    auth: ApiKeyAuth | None = None,
) -> Application:
    """The application with all its routes: the API's, and `others` by path."""
    return Application(
        {
            **others,
            "/score": Route(score, READ | {"POST"}, logged=True, guarded=True),
            "/swagger.json": Route(swagger, READ, logged=True, guarded=True),
        },
        log,
        metrics,
        auth,
    )
