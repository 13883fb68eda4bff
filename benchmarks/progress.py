"""Tells a person at the terminal what is going on, apart from the figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from benchmarks.plan import Cell

BAR_WIDTH = 24
CLEAR = "\r\033[K"


class Progress:
    """A bar that is redrawn on a terminal, a line for each reading elsewhere."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing is written before begin()."""
        self.stream = stream
        self.clock = clock
        self.live = stream.isatty()
        self.total = 0
        self.done = -1

    def begin(self, total: int) -> None:
        """There will be `total` readings."""
        self.total = total
        self.started = self.clock()

    def step(self, cell: Cell) -> None:
        """The next reading begins."""
        self.done += 1
        where = f"{cell.scenario} {cell.server}"
        if cell.point:
            where += f" {cell.point}"
        self._show(f"{self.line()} {where}, round {cell.round}")

    def say(self, text: str) -> None:
        """Something that is not a reading."""
        if self.live:
            self.stream.write(CLEAR)
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def end(self) -> None:
        """Leave the terminal with a clean line."""
        if self.live:
            self.stream.write(CLEAR)
            self.stream.flush()

    def line(self) -> str:
        """The bar, the count, and how long the rest will take at the present pace."""
        filled = BAR_WIDTH * self.done // max(1, self.total)
        bar = "#" * filled + "." * (BAR_WIDTH - filled)
        return f"[{bar}] {self.done}/{self.total}{self._left()}"

    def _left(self) -> str:
        if self.done < 1:
            return ""
        seconds = (self.clock() - self.started) / self.done * (self.total - self.done)
        return f", {seconds / 60:.0f} min left" if seconds > 90 else f", {seconds:.0f} s left"

    def _show(self, text: str) -> None:
        self.stream.write(f"{CLEAR}{text}" if self.live else f"{text}\n")
        self.stream.flush()
