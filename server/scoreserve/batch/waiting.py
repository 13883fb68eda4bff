"""The mini-batches that wait: those that come back first, then those of an iterator."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from scoreserve.batch.work import MiniBatch


class MiniBatchQueue:
    """Looks ahead only as far as it is asked to, so that there is never a list of all."""

    def __init__(self, batches: Iterator[MiniBatch]) -> None:
        self._batches = batches
        self._waiting: deque[MiniBatch] = deque()

    def has(self, count: int) -> bool:
        """Whether so many wait."""
        while len(self._waiting) < count:
            found = next(self._batches, None)
            if found is None:
                return False
            self._waiting.append(found)
        return True

    def take(self) -> MiniBatch:
        """The next one; there is one."""
        return self._waiting.popleft()

    def put_back(self, batch: MiniBatch) -> None:
        self._waiting.appendleft(batch)
