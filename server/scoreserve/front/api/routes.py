"""The front's ASGI application: a Starlette application, complete without our server.

    Observation ─→ LeadingSlashes ─→ ApiKeyMiddleware ─→ routes ─→ endpoint ─→ ReplyResponse

It runs under any ASGI server and in a test client, given its endpoints. A request to /score that
comes on the fast path (`front.http`) is answered by the same score handler.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from scoreserve.errors import InternalError, NoSuchMethod, NoSuchPath, ReplyError
from scoreserve.front.api import docs, status
from scoreserve.front.api.auth import ApiKeyAuth
from scoreserve.front.api.middleware import ApiKeyMiddleware, LeadingSlashes, Observation
from scoreserve.front.api.protocols import ErrorWording, ProtocolRoutes
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import ReplyResponse
from scoreserve.front.messages.replies import HTML, Replies, bare_error
from scoreserve.front.observe.counters import Metrics
from scoreserve.front.observe.request_log import RequestLog

Endpoint = Callable[[Request], Awaitable[Response]]

# Those with counters of their own, and whether they are logged as the reference does for its API.
COUNTED = {
    "/": False,
    "/score": True,
    "/swagger.json": True,
    "/health/live": False,
    "/health/ready": False,
    "/metrics": False,
    "/docs": False,
    "/docs/": False,
    "/status": False,
    "/status/": False,
}
# The pages are the same for everybody: what they show is guarded.
_GUARDED = ("/score", "/swagger.json", "/docs/openapi.json", "/status/details.json")
_ALLOW = (b"allow", b"OPTIONS, HEAD, GET")


class Endpoints(NamedTuple):
    """What answers each path. An endpoint may raise a ReplyError."""

    score: Endpoint
    swagger: Endpoint
    healthy: Endpoint
    live: Endpoint
    ready: Endpoint
    metrics: Endpoint
    docs_document: Endpoint
    status_details: Endpoint


def create_app(  # noqa: PLR0913 - what surrounds it is given
    endpoints: Endpoints,
    replies: Replies,
    log: RequestLog,
    metrics: Metrics,
    auth: ApiKeyAuth | None = None,
    *,
    pages: bool = True,
    protocols: ProtocolRoutes | None = None,
) -> Starlette:
    """The application. `auth`: API keys are needed. `pages`: with those for people. `protocols`:
    with those beside that of /score.
    """

    async def options(request: Request) -> Response:
        return ReplyResponse(replies.ok(head_of(request.scope), HTML, b"", _ALLOW))

    async def reply_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, ReplyError)
        return ReplyResponse(replies.error(head_of(request.scope), error))

    read = {
        "/": endpoints.healthy,
        "/swagger.json": endpoints.swagger,
        "/health/live": endpoints.live,
        "/health/ready": endpoints.ready,
        "/metrics": endpoints.metrics,
    }
    routes: list[BaseRoute] = [
        Route("/score", endpoints.score, methods=["GET", "HEAD", "POST", "OPTIONS"]),
        *(Route(path, endpoint, methods=["GET"]) for path, endpoint in read.items()),
        *(Route(path, options, methods=["OPTIONS"]) for path in read),
    ]
    if pages:
        routes += [
            Route("/docs/openapi.json", endpoints.docs_document, methods=["GET"]),
            Route("/status/details.json", endpoints.status_details, methods=["GET"]),
            *docs.routes(),
            *status.routes(),
        ]
    counted, guarded = dict(COUNTED), list(_GUARDED)
    if protocols is not None:
        routes += protocols.routes
        counted |= protocols.counted
        guarded += protocols.guarded
    middleware = [Middleware(Observation, log, metrics, counted), Middleware(LeadingSlashes)]
    if protocols is not None:
        middleware.append(Middleware(ErrorWording, protocols.names))
    if auth is not None:
        middleware.append(Middleware(ApiKeyMiddleware, auth, guarded))
    app = Starlette(
        routes=routes,
        middleware=middleware,
        exception_handlers={
            ReplyError: reply_error,
            HTTPException: _http_error,
            Exception: _internal_error,
        },
    )
    app.router.redirect_slashes = False  # `/score/` is no path of the reference's
    return app


async def _http_error(request: Request, error: Exception) -> Response:
    """What Starlette refuses, answered outside our routes as the reference does: without ids."""
    assert isinstance(error, HTTPException)
    return ReplyResponse(bare_error(NoSuchMethod() if error.status_code == 405 else NoSuchPath()))


async def _internal_error(request: Request, error: Exception) -> Response:
    """A fault of ours. Starlette raises it again when this is sent, for the server to log."""
    return ReplyResponse(bare_error(InternalError()))
