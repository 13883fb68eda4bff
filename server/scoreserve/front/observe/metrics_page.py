"""The page of metrics, made when somebody first asks for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scoreserve.front.observe.sources import Sources

if TYPE_CHECKING:
    from scoreserve.front.observe.prometheus_page import PrometheusPage


class MetricsPage:
    """That over these `sources`."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._page: PrometheusPage | None = None

    async def made(self) -> PrometheusPage:
        """The page, to be rendered."""
        if self._page is None:  # made in a thread: scoring does not wait for an import
            self._page = await asyncio.to_thread(_make_page, self._sources)
        return self._page


def _make_page(sources: Sources) -> PrometheusPage:
    from scoreserve.front.observe.prometheus_page import PrometheusPage

    return PrometheusPage(sources)
