"""Counts what is done, and decides when a job must not go on. Pure.

The rules are ParallelRunStep's and batch endpoints': error_threshold is of items,
mini_batch_error_threshold (max_retries' sibling allowed_failed_count) and allowed_failed_percent of
mini-batches. A mini-batch that succeeds in a later try has not failed.
"""

from __future__ import annotations

from typing import NamedTuple

from scoreserve.batch.work import Done

UNLIMITED = -1


class Thresholds(NamedTuple):
    """How much may fail; -1: all of it."""

    items: int = UNLIMITED
    mini_batches: int = UNLIMITED
    percent_of_mini_batches: float = 100.0


NO_THRESHOLDS = Thresholds()


class Tally:
    """What is done so far."""

    def __init__(self) -> None:
        self.mini_batches = 0
        self.failed_mini_batches = 0
        self.items = 0
        self.failed_items = 0
        self.tries = 0
        self.run_seconds = 0.0

    def add(self, done: Done) -> None:
        self.mini_batches += 1
        self.failed_mini_batches += done.failed
        self.items += done.items
        self.failed_items += done.items - done.succeeded
        self.tries += done.tries
        self.run_seconds += done.seconds

    @property
    def succeeded_items(self) -> int:
        return self.items - self.failed_items

    def exceeded(self, thresholds: Thresholds) -> str:
        """Which threshold is exceeded while the job runs; "": none."""
        if thresholds.items != UNLIMITED and self.failed_items > thresholds.items:
            return (
                f"{self.failed_items} items failed, more than the error threshold of"
                f" {thresholds.items}"
            )
        most = thresholds.mini_batches
        if most != UNLIMITED and self.failed_mini_batches > most:
            return f"{self.failed_mini_batches} mini batches failed, more than the {most} allowed"
        return ""

    def verdict(self, thresholds: Thresholds, *, appends: bool) -> str:
        """Why the job has failed, when all is done; "": it has not. `appends`: results are
        written, so that there should be some.
        """
        found = self.exceeded(thresholds)
        if found:
            return found
        if appends and self.mini_batches and self.failed_mini_batches == self.mini_batches:
            return (  # ParallelRunStep's words
                f"All {self.mini_batches} mini batches failed. There is no result returned."
            )
        if appends and self.items and not self.succeeded_items:
            return f"None of {self.items} items succeeded. There is no result returned."
        percent = 100 * self.failed_mini_batches / max(1, self.mini_batches)
        if percent > thresholds.percent_of_mini_batches:
            return (
                f"{percent:.1f} % of the mini batches failed, more than the"
                f" {thresholds.percent_of_mini_batches:g} % allowed"
            )
        return ""
