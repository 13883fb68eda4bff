"""Answers /metrics."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from scoreserve.front.api.health import NO_STORE
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import ReplyResponse
from scoreserve.front.messages.replies import Replies
from scoreserve.front.observe.metrics_page import MetricsPage


class MetricsEndpoint:
    """The page of metrics."""

    def __init__(self, replies: Replies, page: MetricsPage) -> None:
        self._replies = replies
        self._page = page

    async def page(self, request: Request) -> Response:
        """The page, in the format that the scraper accepts."""
        page = await self._page.made()
        head = head_of(request.scope)
        content_type, body = page.render(head.header(b"accept") or b"")
        return ReplyResponse(self._replies.ok(head, content_type, body, NO_STORE))
