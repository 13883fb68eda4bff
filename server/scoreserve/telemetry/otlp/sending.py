"""One signal on its way out: to the library's exporter, and what is said of it.

The library says each time that something has failed, and why; here that is said once, and what is
between two attempts ends when the server stops.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from scoreserve.telemetry.export_queue import ExportQueue
from scoreserve.telemetry.exporters import Exporter, exported

_MOST_CHARACTERS = 300
_LOOK_SECONDS = 0.1  # between two looks at what is still to be sent, in the end

_log = logging.getLogger("azmlinfsrv.telemetry")


class LastWords(logging.Handler):
    """Keeps what the library has warned of in each thread, first and last: that says why it has
    failed. It would say so each time.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._texts: dict[int, list[str]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        texts = self._texts.setdefault(threading.get_ident(), [])
        texts[1:] = [record.getMessage()[:_MOST_CHARACTERS]]

    def take(self) -> str:
        """What it was in this thread since the last call."""
        return " ".join(self._texts.pop(threading.get_ident(), []))

    def any(self, thread: int) -> bool:
        """Whether there is anything of this thread."""
        return thread in self._texts


class Sending:
    """One signal on its way to its exporter. `name` is for people."""

    def __init__(self, name: str, exporter: Exporter, words: LastWords) -> None:
        self.name = name
        self._exporter = exporter
        self._words = words
        self._thread = 0  # that sends
        self._failing = False

    def send(self, batch: Any) -> bool:
        """Whether it was taken. If not, the reason is told, once as long as it goes on."""
        self._thread = threading.get_ident()
        self._words.take()
        try:
            taken, why = exported(self._exporter, batch), self._words.take()
        except Exception as error:  # noqa: BLE001 - a library's, of whatever is on the way
            taken, why = False, str(error)[:_MOST_CHARACTERS]
        if not (taken or self._failing):
            _log.warning("OpenTelemetry %s: %s", self.name, why)
        self._failing = not taken
        return taken

    def close(self, queue: ExportQueue[Any], deadline: float) -> None:
        """Has the last of its queue sent, until the deadline. Where an attempt has failed by now,
        there is no other: whoever stops a server need not wait for a collector that is gone.
        """
        while not queue.close(min(deadline, time.monotonic() + _LOOK_SECONDS)):
            if self._words.any(self._thread) or time.monotonic() >= deadline:
                break
        self._exporter.shutdown()
        queue.close(min(deadline, time.monotonic() + _LOOK_SECONDS))
