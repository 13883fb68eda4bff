"""Where telemetry goes: what the process asks of each place."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from scoreserve.reports import Report
from scoreserve.telemetry.records import RequestRecord


class Output(Protocol):
    """One place. All but `close` are called for each record, and return at once."""

    def has_room(self) -> bool:
        """Whether a request that comes now would be sent: it wants them, and has room."""

    def request(self, record: RequestRecord) -> None:
        """A request was answered."""

    def report(self, report: Report) -> None:
        """A worker has told something of its script."""

    def metrics(self, since: float, page: bytes) -> None:
        """The server's metrics at this moment, as OpenMetrics; counted since then, in seconds since
        the epoch.
        """

    def take_dropped(self) -> Counter[str]:
        """What was lost since the last call, by reason."""

    def close(self, deadline: float) -> None:
        """Sends what it holds, until the deadline (of time.monotonic) at most."""
