"""A bounded queue with a thread that exports what is in it, in batches.

    put ─→ queue ═ thread: so many, or after so many seconds ═→ export(batch)

Whoever puts never waits: what finds the queue full is dropped, and counted. While `export` is slow,
or waits for a place that has asked for a pause, the queue fills, and no more than that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from scoreserve.telemetry.dropped import Dropped

Item = TypeVar("Item")

QUEUE_FULL, EXPORT_FAILED = "queue_full", "export_failed"  # reasons why items are lost

_log = logging.getLogger("azmlinfsrv.telemetry")


class ExportQueue(Generic[Item]):
    """Exports `most_waiting` items or fewer. `export` gets a batch of `batch_items` at most, at the
    latest `delay_seconds` after its first was put; it returns whether they were taken.
    """

    def __init__(
        self,
        name: str,
        export: Callable[[Sequence[Item]], bool],
        *,
        most_waiting: int,
        batch_items: int,
        delay_seconds: float,
    ) -> None:
        self._name = name
        self._export = export
        self._most_waiting = most_waiting
        self._batch_items = batch_items
        self._delay_seconds = delay_seconds
        self._items: deque[Item] = deque()
        self._dropped = Dropped()
        self._changed = threading.Condition()
        self._closing = False
        self._failing = False
        self._thread = threading.Thread(target=self._run, name=f"export {name}", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether what is put now is dropped."""
        return len(self._items) >= self._most_waiting

    def put(self, item: Item) -> None:
        """Has the item exported, unless the queue is full."""
        with self._changed:
            if self.full:
                self._dropped.add(QUEUE_FULL)
                return
            self._items.append(item)
            if len(self._items) in {1, self._batch_items}:
                self._changed.notify()

    def take_dropped(self) -> Counter[str]:
        """How many items were lost since the last call, by reason."""
        return self._dropped.take()

    def close(self, deadline: float) -> bool:
        """Exports what is there, until the deadline (of time.monotonic) at most. Returns whether
        that is done.
        """
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                taken = self._export(batch)
            except Exception:  # noqa: BLE001 - a library's; telemetry that fails ends nothing
                if not self._failing:
                    _log.exception("%s: telemetry could not be sent", self._name)
                taken = False
            self._exported(len(batch), taken=taken)

    def _next_batch(self) -> list[Item]:
        """Waits for it. Empty: the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closing)
            self._changed.wait_for(
                lambda: len(self._items) >= self._batch_items or self._closing, self._delay_seconds
            )
            size = min(len(self._items), self._batch_items)
            return [self._items.popleft() for _ in range(size)]

    def _exported(self, items: int, *, taken: bool) -> None:
        """Counts, and says once when it begins to fail and once when it goes on."""
        if not taken:
            self._dropped.add(EXPORT_FAILED, items)
        if self._failing == taken:
            self._failing = not taken
            if taken:
                _log.info("%s: telemetry is sent again", self._name)
            else:
                _log.warning("%s: telemetry is not taken; it is dropped meanwhile", self._name)
