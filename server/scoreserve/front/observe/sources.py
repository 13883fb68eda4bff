"""Where the page of metrics looks, at the moment it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

from scoreserve.front.observe.counters import Metrics
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.snapshot import WorkersSnapshot


class Connection(Protocol):
    """What is asked of a client's connection."""

    @property
    def in_flight(self) -> int:
        """Requests on it that are not answered to the end."""


class SentTelemetry(Protocol):
    """What is asked of telemetry, where it is on."""

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many records were dropped, by reason; 0 for those that there may be."""


class Sources(NamedTuple):
    """What it looks at. `workers` is how many there should be."""

    metrics: Metrics
    dispatch: DispatchLoop
    snapshot: Callable[[], WorkersSnapshot]
    is_ready: Callable[[], bool]
    connections: Callable[[], Iterable[Connection]]
    workers: int
    telemetry: SentTelemetry | None = None
