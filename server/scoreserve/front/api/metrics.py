"""Answers /metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from scoreserve.front.api.health import NO_STORE
from scoreserve.front.api.requests import head_of
from scoreserve.front.api.responses import ReplyResponse
from scoreserve.front.messages.replies import Replies
from scoreserve.front.observe.sources import Sources

if TYPE_CHECKING:
    from scoreserve.front.observe.prometheus_page import PrometheusPage


class MetricsEndpoint:
    """The page of metrics, over `sources`."""

    def __init__(self, replies: Replies, sources: Sources) -> None:
        self._replies = replies
        self._sources = sources
        self._page: PrometheusPage | None = None

    async def page(self, request: Request) -> Response:
        """The page, in the format that the scraper accepts."""
        if self._page is None:  # made in a thread: scoring does not wait for an import
            self._page = await asyncio.to_thread(_make_page, self._sources)
        head = head_of(request.scope)
        content_type, body = self._page.render(head.header(b"accept") or b"")
        return ReplyResponse(self._replies.ok(head, content_type, body, NO_STORE))


def _make_page(sources: Sources) -> PrometheusPage:
    from scoreserve.front.observe.prometheus_page import PrometheusPage

    return PrometheusPage(sources)
