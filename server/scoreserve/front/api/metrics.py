"""Answers /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, Protocol

from scoreserve.front.api.asgi import Receive
from scoreserve.front.api.health import NO_STORE
from scoreserve.front.messages.replies import Replies, Reply
from scoreserve.front.observe.counters import Metrics
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.snapshot import WorkersSnapshot
from scoreserve.wire import RequestHead

if TYPE_CHECKING:
    from scoreserve.front.observe.prometheus_page import PrometheusPage


class Connection(Protocol):
    """What is asked of a client's connection."""

    @property
    def in_flight(self) -> int:
        """Requests on it that are not answered to the end."""


class Sources(NamedTuple):
    """Where the page looks, at the moment it is asked for."""

    metrics: Metrics
    dispatcher: DispatchLoop
    report: Callable[[], WorkersSnapshot]
    is_ready: Callable[[], bool]
    connections: Callable[[], Iterable[Connection]]
    workers: int  # as configured


class MetricsEndpoint:
    """The page of metrics, over `sources`."""

    def __init__(self, replies: Replies, sources: Sources) -> None:
        self._replies = replies
        self._sources = sources
        self._page: PrometheusPage | None = None

    async def __call__(self, head: RequestHead, receive: Receive) -> Reply:
        instead = self._replies.instead(head, None)
        if instead is not None:
            return instead
        if self._page is None:  # made in a thread: scoring does not wait for an import
            self._page = await asyncio.to_thread(_make_page, self._sources)
        content_type, body = self._page.render(head.header(b"accept") or b"")
        return self._replies.ok(head, content_type, body, NO_STORE)


def _make_page(sources: Sources) -> PrometheusPage:
    from scoreserve.front.observe.prometheus_page import PrometheusPage

    return PrometheusPage(sources)
