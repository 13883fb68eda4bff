"""How long a piece of Python takes, so exactly that a tenth of a microsecond can be told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

_ROUNDS = 40
_AT_ONCE = 16  # calls between two looks at the clock


class Cost(NamedTuple):
    """The whole of something and some of its parts: CPU time in microseconds a request."""

    title: str
    whole: float
    parts: dict[str, float]

    def lines(self) -> list[str]:
        """As a table."""
        rest = self.whole - sum(self.parts.values())
        rows = {"all": self.whole, **self.parts, "the rest": rest}
        return [self.title, *(f"  {name:24}{cost:6.2f}" for name, cost in rows.items())]


class Clock:
    """Times functions for about so many seconds each."""

    def __init__(self, seconds: float) -> None:
        self._round_seconds = seconds / _ROUNDS

    def microseconds(self, function: Callable[[], object], requests: int = 1) -> float:
        """CPU time for one of the `requests` that a call of `function` handles, in the quickest
        round: whatever else happens only makes it slower.
        """
        function()
        return min(self._rounds(function)) / requests * 1e6

    def _rounds(self, function: Callable[[], object]) -> Iterator[float]:
        for _ in range(_ROUNDS):
            calls = 0
            started = time.process_time()
            while not calls or time.process_time() - started < self._round_seconds:
                for _ in range(_AT_ONCE):
                    function()
                calls += _AT_ONCE
            yield (time.process_time() - started) / calls
