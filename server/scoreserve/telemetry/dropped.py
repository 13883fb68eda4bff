"""What is lost on its way, counted by any thread."""

from __future__ import annotations

import threading
from collections import Counter


class Dropped:
    """Counts what was lost, by reason."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, reason: str, count: int = 1) -> None:
        """So much was lost for this reason."""
        with self._lock:
            self._counts[reason] += count

    def take(self) -> Counter[str]:
        """What was lost since the last call."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        return counts
