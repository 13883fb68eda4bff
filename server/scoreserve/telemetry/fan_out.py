"""Gives what the front sends to each output, and tells the front how that goes.

frame ─→ take ─→ each output's own queue ═ its thread ═→ sent
            └ no output has room for requests: PAUSE ─→ front    drops them before they are made
  thread: tell ─→ DROPPED, RESUME ─→ front
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Sequence

from scoreserve import reports
from scoreserve.telemetry import records
from scoreserve.telemetry.dropped import Dropped
from scoreserve.telemetry.export_queue import QUEUE_FULL
from scoreserve.telemetry.output import Output

_TELL_SECONDS = 1.0  # between two accounts of what was dropped
_LOOK_SECONDS = 0.1  # between two looks for room, while there is none
_CALM_SECONDS = 10.0  # without a record that has found no room, until that is over

_log = logging.getLogger("azmlinfsrv.telemetry")


class Overflow:
    """When to say that records find no room: once when it begins, and once when it is over."""

    def __init__(self) -> None:
        self._last: float | None = None  # that found none, since it was said

    def seen(self, now: float, *, overflows: bool) -> bool | None:
        """Whether it has begun (True) or is over (False), which is to be said; else None."""
        if overflows:
            begins, self._last = self._last is None, now
            return begins or None
        if self._last is None or now - self._last < _CALM_SECONDS:
            return None
        self._last = None
        return False


class FanOut:
    """Gives what the front sends to each output, and tells the front, at `sink`, what was lost and
    whether there is room for more.
    """

    def __init__(self, opened: Sequence[Output], sink: int) -> None:
        self._outputs = opened
        self._sink = sink
        self._dropped = Dropped()  # requests that no output had room for
        # Where none does, as after an error that was told, there is nothing that could overflow.
        self._takes_requests = any(output.has_room() for output in opened)
        self._overflow = Overflow()
        self._paused = False
        self._lock = threading.Lock()

    def take(self, kind: int, payload: bytes) -> None:
        """One frame."""
        if kind == records.REQUESTS:
            if self._has_room(records.count_requests(payload)):
                for request in records.read_requests(payload):
                    for output in self._outputs:
                        output.request(request)
        elif kind == records.REPORT:
            self._report(payload)
        elif kind == records.METRICS:
            for output in self._outputs:
                output.metrics(*records.read_metrics(payload))

    def tell(self) -> None:
        """Tells the front every second what was lost, if anything was, and soon when there is room
        again.
        """
        while True:
            time.sleep(_LOOK_SECONDS if self._paused else _TELL_SECONDS)
            try:
                self._resume()
                self._tell_dropped()
            except OSError:  # the front is gone
                return

    def _report(self, payload: bytes) -> None:
        try:
            report = reports.decode(payload)
        except ValueError as error:
            _log.warning("What a worker has told cannot be read, and is not sent: %s", error)
            return
        for output in self._outputs:
            output.report(report)

    def _has_room(self, requests: int) -> bool:
        """Whether any output has room for requests. If none has, these are dropped, and the front
        is asked for no more.
        """
        if any(output.has_room() for output in self._outputs):
            return True
        self._dropped.add(QUEUE_FULL, requests)
        with self._lock:
            if not self._paused:
                self._paused = True
                self._write(records.PAUSE)
        return False

    def _resume(self) -> None:
        if self._paused and any(output.has_room() for output in self._outputs):
            with self._lock:
                self._paused = False
                self._write(records.RESUME)

    def _tell_dropped(self) -> None:
        before, within = self._dropped.take(), Counter[str]()
        for each in self._outputs:
            within += each.take_dropped()
        no_room = self._takes_requests and (self._paused or before[QUEUE_FULL] > 0)
        self._say(overflows=no_room or within[QUEUE_FULL] > 0)
        dropped = before + within
        if dropped:
            os.write(self._sink, records.dropped_frame(dropped))

    def _say(self, *, overflows: bool) -> None:
        begun = self._overflow.seen(time.monotonic(), overflows=overflows)
        if begun:
            _log.warning(
                "Telemetry comes faster than it is taken: what does not fit into the queue is"
                " dropped. scoreserve_telemetry_dropped_total counts it"
            )
        elif begun is not None:
            _log.info("Telemetry fits into the queue again")

    def _write(self, kind: int) -> None:
        with contextlib.suppress(OSError):  # the front is gone, as the end of its frames tells too
            os.write(self._sink, records.frame(kind, b""))
