"""Why requests do not share a call of run(). Each reason is one of a few words, for a metric."""

from __future__ import annotations

ROWS_DIFFER = "rows_differ"  # the one reason that ends merging for good


class Because(Exception):
    """Something cannot be done. The argument is the reason."""

    @property
    def reason(self) -> str:
        return str(self.args[0])


class NotSplit(Because):
    """A result cannot be split."""


class NotMerged(Because):
    """A payload must run alone."""
