"""Log handlers of the user's, off the thread that logs: the front's event loop never waits for one.

    log.info ─→ Logger.handle ═ queue ═→ a thread: filters, handlers, parents

What a handler or filter raises is told on stderr by the thread, and ends nothing. Where they are
slower than what is logged, records are dropped, and how many is logged when there is room again.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import queue
import threading
import traceback

_MOST_RECORDS = 10_000

_log = logging.getLogger("azmlinfsrv")


class LogThread:
    """Handles, in a thread, what is logged in this process."""

    def __init__(self, most: int = _MOST_RECORDS) -> None:
        self._records: queue.Queue[logging.LogRecord | None] = queue.Queue(most)
        self._handle = logging.Logger.handle
        self._thread = threading.Thread(target=self._run, name="log handlers", daemon=True)
        self._dropped = 0

    def start(self) -> None:
        """From now on nobody who logs waits."""
        records = self._put

        def handle(logger: logging.Logger, record: logging.LogRecord) -> None:
            records(record)

        logging.Logger.handle = handle  # type: ignore[method-assign, assignment]
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Waits so long for what is logged to be handled. Whoever logs later does so himself; where
        a handler stands still, to nobody.
        """
        with contextlib.suppress(queue.Full):
            self._records.put(None, timeout=seconds)
            self._thread.join(seconds)
        if self._thread.is_alive():
            # The handler keeps its lock: whoever logs would wait for it, and the process at exit.
            atexit.unregister(logging.shutdown)
        else:
            logging.Logger.handle = self._handle  # type: ignore[method-assign]

    def _put(self, record: logging.LogRecord) -> None:
        try:
            if self._dropped:
                self._records.put_nowait(self._about_dropped())
                self._dropped = 0
            self._records.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def _about_dropped(self) -> logging.LogRecord:
        text = "%d log records were dropped: the handlers of logging.json are too slow"
        return _log.makeRecord(
            _log.name, logging.WARNING, __file__, 0, text, (self._dropped,), None
        )

    def _run(self) -> None:
        while (record := self._records.get()) is not None:
            try:
                self._handle(logging.getLogger(record.name), record)
            except Exception:  # noqa: BLE001, PERF203 - a user's filter or handler
                traceback.print_exc()
