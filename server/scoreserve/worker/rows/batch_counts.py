"""What scoring jobs together came to, counted for the metrics and for readiness."""

from __future__ import annotations

from collections import Counter
from typing import Any


class BatchCounts:
    """Counts until it is taken; the front adds up what all its workers report."""

    def __init__(self) -> None:
        self._merged: list[tuple[int, int]] = []
        self._fallbacks: Counter[str] = Counter()

    def merged(self, requests: int, rows: int) -> None:
        """One run() was for so many requests, of so many rows."""
        self._merged.append((requests, rows))

    def fell_back(self, reason: str, requests: int = 1) -> None:
        """So many requests that had company ran alone."""
        self._fallbacks[reason] += requests

    def take(self) -> dict[str, Any] | None:
        """`merged`: (requests, rows) of each run(); `fallbacks`: requests by reason. None: nothing
        was counted since.
        """
        if not self._merged and not self._fallbacks:
            return None
        news = {"merged": self._merged, "fallbacks": self._fallbacks}
        self._merged, self._fallbacks = [], Counter()
        return news
