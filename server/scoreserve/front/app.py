"""The front's ASGI application: which path is answered by what.

Complete on its own: it runs under any ASGI server and in a test client, given its endpoints. Every
route of ours is one exact path, so finding it is one look into a table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from scoreserve.errors import NoSuchMethod, NoSuchPath, NotReady
from scoreserve.front.asgi import ASGIApp, Receive, Scope, Send, request_head, send_reply
from scoreserve.front.replies import Replies, bare_error


class Route(NamedTuple):
    """What answers a path, and with which methods it may be asked."""

    endpoint: ASGIApp
    methods: frozenset[str]


class Application:
    """The ASGI application over a table of routes by path."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError(f"only HTTP is served here, not {scope['type']}")
        route = self._routes.get(scope["path"])
        if route is None:
            await send_reply(send, bare_error(NoSuchPath()))
        elif scope["method"] not in route.methods:
            await send_reply(send, bare_error(NoSuchMethod()))
        else:
            await route.endpoint(scope, receive, send)


class Health:
    """ASGI application for `/`: 200 `Healthy` while a worker can score, else 502."""

    def __init__(self, replies: Replies, not_ready: Callable[[], NotReady | None]) -> None:
        self._replies = replies
        self._not_ready = not_ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = request_head(scope).headers
        error = self._not_ready()
        if error is not None:
            reply = self._replies.error(headers, error)
        else:
            reply = self._replies.text(headers, b"text/html; charset=utf-8", b"Healthy")
        await send_reply(send, reply)


def create_app(score: ASGIApp, health: ASGIApp) -> Application:
    """The application with all its routes."""
    return Application(
        {
            "/": Route(health, frozenset({"GET", "HEAD"})),
            "/score": Route(score, frozenset({"GET", "HEAD", "POST", "OPTIONS"})),
        }
    )
