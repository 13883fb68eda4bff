"""The front's ASGI application: which path is answered by what.

Complete on its own: it runs under any ASGI server and in a test client, given a Scoring.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from scoreserve.errors import NoSuchMethod, NoSuchPath, NotReady, ReplyError
from scoreserve.front.asgi import request_head, send_reply
from scoreserve.front.replies import Replies, body_of
from scoreserve.front.score_endpoint import ScoreEndpoint
from scoreserve.front.scoring import Scoring


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


def create_app(scoring: Scoring, health: Health, max_body_bytes: int) -> Starlette:
    """The application over a scoring handler; score bodies may have up to `max_body_bytes`."""
    score = ScoreEndpoint(scoring, max_body_bytes)
    app = Starlette(
        routes=[
            Route("/", health, methods=["GET"]),
            Route("/score", score, methods=["GET", "POST", "OPTIONS"]),
        ],
        exception_handlers={404: _always(NoSuchPath()), 405: _always(NoSuchMethod())},
    )
    app.router.redirect_slashes = False  # /score/ is a 404, as in the reference
    return app


def _always(error: ReplyError) -> Callable[[Request, Exception], Response]:
    def handler(request: Request, exception: Exception) -> Response:
        headers = {"x-ms-run-function-failed": str(error.run_failed)}
        return Response(body_of(error), error.status, headers, media_type="application/json")

    return handler
