"""Telemetry as the front has it: the feed, the process behind it, and what is told of requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping

from scoreserve import app_insights, otel_environment, protocols
from scoreserve.front.observe.durations import RequestDurations
from scoreserve.front.observe.metrics_page import MetricsPage
from scoreserve.front.observe.request_log import RequestLog
from scoreserve.front.observe.telemetry_feed import REASONS, TelemetryFeed
from scoreserve.front.observe.telemetry_log import TelemetryLog, Wanted
from scoreserve.front.observe.telemetry_process import TelemetryProcess
from scoreserve.settings import Settings
from scoreserve.telemetry.switches import Switches

_MOST_UNREAD_BYTES = 4 << 20  # with answers, see TelemetryFeed

_log = logging.getLogger("azmlinfsrv")


class Telemetry:
    """What is `on` for these settings and this environment. `routes` are the paths of ours; for
    `defer` see TelemetryFeed.
    """

    def __init__(
        self,
        settings: Settings,
        on: Switches,
        environ: Mapping[str, str],
        routes: Iterable[str],
        defer: Callable[[Callable[[], None]], object],
    ) -> None:
        answers = on.azure and settings.app_insights_log_response
        self.feed = TelemetryFeed(defer, _MOST_UNREAD_BYTES) if answers else TelemetryFeed(defer)
        self._started = time.time()
        self._process = TelemetryProcess(self.feed, settings.to_json())
        self._durations = RequestDurations() if on.metrics else None
        self._interval_seconds, wrong_interval = otel_environment.metric_interval_seconds(environ)
        self._sending: asyncio.Task[None] | None = None
        sampler, wrong_sampler = otel_environment.sampler(environ)
        scored = ["/score", *protocols.scored_paths(settings)]
        self._wanted = Wanted(
            every=on.azure,
            answer_characters=app_insights.PROPERTY_CHARACTERS if answers else 0,
            sampler=sampler if on.traces else None,
            durations=self._durations,
            routes=[path.encode() for path in {*routes, *scored}],
            scored=[path.encode() for path in scored],
        )
        wrong = (
            (on.otlp, otel_environment.wrong_protocol(environ)),
            (on.otlp, otel_environment.wrong_headers(environ)),
            (on.otlp or on.azure, otel_environment.wrong_attributes(environ)),
            (on.traces, wrong_sampler),
            (on.metrics, wrong_interval),
            (on.metrics, otel_environment.wrong_temporality(environ)),
        )
        for concerned, line in wrong:
            if concerned and line:
                _log.warning(line)

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many records were dropped, by reason; 0 for those that there may be."""
        return dict.fromkeys(REASONS, 0) | self.feed.dropped

    def beside(self, log: RequestLog) -> RequestLog:
        """A log that tells this and the other of each request."""
        return TelemetryLog(log, self.feed, self._wanted)

    async def start(self, page: MetricsPage) -> None:
        """Starts the process, on the running event loop. `page` is what it is sent of metrics."""
        await self._process.start()
        if self._durations is not None:
            self._sending = asyncio.ensure_future(self._send_metrics(page, self._durations))

    async def stop(self, page: MetricsPage) -> None:
        """Has it send what is left, for a few seconds, and ends it."""
        if self._sending is not None and self._durations is not None:
            self._sending.cancel()
            await self._send(page, self._durations)
        await self._process.stop()

    async def _send_metrics(self, page: MetricsPage, durations: RequestDurations) -> None:
        """Sends the metrics at each interval."""
        while True:
            await asyncio.sleep(self._interval_seconds)
            await self._send(page, durations)

    async def _send(self, page: MetricsPage, durations: RequestDurations) -> None:
        try:
            made = await page.made()
            self.feed.metrics(self._started, made.render_with(durations))
        except Exception:  # noqa: BLE001 - whatever becomes of them, requests are answered
            _log.exception("The metrics could not be sent")
