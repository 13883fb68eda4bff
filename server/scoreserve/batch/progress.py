"""How far a job is, in a line: with its rate, and the time that is left.

All is pure but for the Reporter, which has a thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from scoreserve.batch.inputs import InputFile
from scoreserve.batch.tally import Tally
from scoreserve.batch.work import Form, MiniBatch

_TERMINAL_SECONDS = 0.25
_LOG_SECONDS = 10.0
_BAR = 24  # columns


class Pace(NamedTuple):
    """What a rate is made of. `share` is the part of the whole input that is done, 0 to 1, and
    `skipped` that which was done before this run.
    """

    items: int  # of this run
    seconds: float
    share: float
    skipped: float

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.seconds if self.seconds > 0 else 0.0

    @property
    def left_seconds(self) -> float | None:
        """Until the end, at this pace; None: not known yet."""
        done = self.share - self.skipped
        if done <= 0 or self.seconds <= 0:
            return None
        return self.seconds * max(0.0, 1.0 - self.share) / done


def line(tally: Tally, pace: Pace, *, bar: bool) -> str:
    """The line, with a bar for a terminal."""
    filled = int(_BAR * pace.share)
    drawn = f"[{'#' * filled}{'.' * (_BAR - filled)}] " if bar else ""
    left = "" if pace.left_seconds is None else f", {duration(pace.left_seconds)} left"
    return (
        f"{drawn}{pace.share:4.0%}  {tally.mini_batches} mini-batches, {tally.items} items,"
        f" {tally.failed_items} failed, {pace.rate:,.0f} items/s{left}"
    )


def duration(seconds: float) -> str:
    """Such as 1:02:03, or 2:03."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Meter:
    """Which part of the input is done: of files by number, of what is in them by bytes."""

    def __init__(self, files: Sequence[InputFile], form: Form) -> None:
        sizes = [1 if form is Form.FILES else file.size_bytes for file in files]
        self._whole = max(1, sum(sizes))
        self._under_way: dict[int, float] = {}
        self._done = 0.0
        self._skipped = 0.0

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self._done / self._whole)

    @property
    def skipped_share(self) -> float:
        """The part of it that an earlier run has done."""
        return min(1.0, self._skipped / self._whole)

    def began(self, batch: MiniBatch) -> None:
        self._under_way[batch.number] = batch.weight

    def skipped(self, batch: MiniBatch) -> None:
        self._skipped += batch.weight
        self._done += batch.weight

    def ended(self, number: int) -> None:
        self._done += self._under_way.pop(number, 0.0)


class Reporter:
    """Shows the line every now and then, from a thread: the driver waits for results."""

    def __init__(
        self, line: Callable[[float], str], show: Callable[[str], None], *, terminal: bool
    ) -> None:
        """`line` makes it, from the seconds since the start."""
        self._line = line
        self._show = show
        self._pause = _TERMINAL_SECONDS if terminal else _LOG_SECONDS
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._started = time.monotonic()

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Nothing is shown any more when this returns."""
        self._ended.set()
        self._thread.join()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def _run(self) -> None:
        while not self._ended.wait(self._pause):
            self._show(self._line(self.seconds))
