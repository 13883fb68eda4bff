"""Where telemetry goes: what the process asks of each place."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from scoreserve.reports import Report
from scoreserve.telemetry.records import RequestRecord


class Output(Protocol):
    """One place. All but `close` are called for each record, and return at once."""

    def request(self, record: RequestRecord) -> None:
        """A request was answered."""

    def report(self, report: Report) -> None:
        """A worker has told something of its script."""

    def metrics(self, page: bytes) -> None:
        """The server's metrics at this moment, in Prometheus's text format."""

    def take_dropped(self) -> Counter[str]:
        """What was lost since the last call, by reason."""

    def close(self, deadline: float) -> None:
        """Sends what it holds, until the deadline (of time.monotonic) at most."""
