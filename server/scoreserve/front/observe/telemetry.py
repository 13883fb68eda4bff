"""Telemetry as the front has it: the feed, the process behind it, and what is told of requests."""

from __future__ import annotations

from collections.abc import Callable

from scoreserve.front.observe.request_log import RequestLog
from scoreserve.front.observe.telemetry_feed import TelemetryFeed
from scoreserve.front.observe.telemetry_log import TelemetryLog
from scoreserve.front.observe.telemetry_process import TelemetryProcess
from scoreserve.settings import Settings
from scoreserve.telemetry.switches import Switches

# Of an answer, for Application Insights, which cuts a property at 8,192 characters: of UTF-8, which
# takes four bytes for some.
_ANSWER_BYTES = 4 * 8192


class Telemetry:
    """What is `on` for these settings. `defer`: see TelemetryFeed."""

    def __init__(
        self, settings: Settings, on: Switches, defer: Callable[[Callable[[], None]], object]
    ) -> None:
        self.feed = TelemetryFeed(defer)
        self._process = TelemetryProcess(self.feed, settings.to_json())
        wanted = on.azure and settings.app_insights_log_response
        self._answer_bytes = _ANSWER_BYTES if wanted else 0

    def beside(self, log: RequestLog) -> RequestLog:
        """A log that tells this and the other of each request."""
        return TelemetryLog(log, self.feed, self._answer_bytes)

    async def start(self) -> None:
        """Starts the process, on the running event loop."""
        await self._process.start()

    async def stop(self) -> None:
        """Has it send what is left, for a few seconds, and ends it."""
        await self._process.stop()
