"""The front's end of the pipe to the telemetry process. Nothing here ever waits.

accepts ─→ add ─→ records of this turn of the event loop ─→ one frame ─→ pipe
  └ too much is unread, or the process has no room: dropped before it is made, and counted
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from mypy_extensions import mypyc_attr

from scoreserve.reports import WORKER_FULL
from scoreserve.telemetry import records
from scoreserve.telemetry.export_queue import EXPORT_FAILED, QUEUE_FULL
from scoreserve.telemetry.records import RequestTuple

# Of frames that the telemetry process has not read, beside what the pipe itself holds: a few
# thousand requests, a second's while it starts.
_MOST_UNREAD_BYTES = 1 << 20

PIPE_FULL, PROCESS_GONE = "pipe_full", "process_gone"  # reasons why records are dropped here
REASONS = (PIPE_FULL, PROCESS_GONE, QUEUE_FULL, EXPORT_FAILED, WORKER_FULL)


class Sink(Protocol):
    """The pipe's writing end: a transport of the event loop."""

    def write(self, data: bytes) -> None: ...

    def get_write_buffer_size(self) -> int: ...


@mypyc_attr(allow_interpreted_subclasses=True)
class TelemetryFeed:
    """Sends records to the process behind `sink`, while there is one. `defer` runs a function in
    the next turn of the event loop. So many bytes may wait for the process.
    """

    def __init__(
        self,
        defer: Callable[[Callable[[], None]], object],
        most_unread_bytes: int = _MOST_UNREAD_BYTES,
    ) -> None:
        self._most_unread_bytes = most_unread_bytes
        self._dropped: Counter[str] = Counter()
        self._refused = 0  # for want of room in the process
        self._paused = False
        self._defer = defer
        self._sink: Sink | None = None
        self._requests: list[RequestTuple] = []

    @property
    def dropped(self) -> Counter[str]:
        """How many records were dropped, by reason."""
        dropped = self._dropped.copy()
        if self._refused:
            dropped[QUEUE_FULL] += self._refused
        return dropped

    @property
    def connected(self) -> bool:
        """Whether there is a process."""
        return self._sink is not None

    def connect(self, sink: Sink, setup: bytes) -> None:
        """What is added goes to this process from now on, after its settings."""
        self._sink = sink
        self._paused = False
        sink.write(records.frame(records.SETUP, setup))

    def disconnect(self) -> None:
        """The process is gone."""
        self._sink = None

    def accepts(self) -> bool:
        """Whether a request may be added; else it is counted as dropped."""
        if self._paused:
            self._refused += 1
            return False
        # What there is room for is looked at once a turn.
        return bool(self._requests) or self._has_room(1)

    def pause(self) -> None:
        """The process has no room for requests."""
        self._paused = True

    def resume(self) -> None:
        """It has again."""
        self._paused = False

    def add(self, request: RequestTuple) -> None:
        """A request was answered that it accepts."""
        if not self._requests:
            self._defer(self.flush)
        self._requests.append(request)

    def report(self, payload: bytes) -> None:
        """What a worker has to tell, as it came."""
        self._write(records.frame(records.REPORT, payload))

    def metrics(self, since: float, page: bytes) -> None:
        """The page of metrics, and when counting began, in seconds since the epoch."""
        self._write(records.metrics_frame(since, page))

    def flush(self) -> None:
        """Sends the requests that have gathered."""
        requests, self._requests = self._requests, []
        if requests and self._has_room(len(requests)):
            assert self._sink is not None
            self._sink.write(records.requests_frame(requests))

    def lost(self, dropped: Mapping[str, int]) -> None:
        """What the process itself had to drop."""
        self._dropped.update(dropped)

    def _write(self, frame: bytes) -> None:
        if self._has_room(1):
            assert self._sink is not None
            self._sink.write(frame)

    def _has_room(self, count: int) -> bool:
        """Whether so many records can be sent; else they are counted as dropped."""
        if self._sink is None:
            self._dropped[PROCESS_GONE] += count
            return False
        if self._sink.get_write_buffer_size() > self._most_unread_bytes:
            self._dropped[PIPE_FULL] += count
            return False
        return True
