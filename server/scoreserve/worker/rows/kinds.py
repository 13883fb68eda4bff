"""Requests that may share a run(): the same but for their rows, whose inner shape is one.

What is known of a kind is what its rows cost, how its results are cut, and whether merging was of
any use lately.
"""

from __future__ import annotations

from collections.abc import Hashable

from scoreserve.worker.rows.splitting import Form

_STRIKES = 3
_REST_BATCHES = 100  # until a kind that could not be merged is tried again
_MOST_KINDS = 64  # a client that makes up parameters must not fill the memory


class Kind:
    """`form` is how its results are cut, once it is known. `resting` is the reason why its requests
    run alone for now, or empty.

    `one_length`: its requests have several lists, all of which had one and the same length so far.
    So one of them may be a parameter, `{"data": [[1.5]], "classes": ["a"]}`.
    """

    def __init__(self, *, several_lists: bool = False) -> None:
        self.form: Form | None = None
        self.resting = ""
        self.one_length = several_lists
        self._length = 0
        self._row_seconds = 0.0
        self._strikes = 0
        self._rest = 0

    def seen(self, rows: int) -> None:
        """There is a request of so many rows."""
        if self._length not in (0, rows):
            self.one_length = False
        self._length = rows

    def took(self, seconds: float, rows: int) -> None:
        """A run() of so many rows took so long."""
        self._row_seconds = seconds / rows

    def rows_within(self, seconds: float) -> float:
        """How many rows a run() of so many seconds has at least, even if it takes each in turn."""
        return seconds / self._row_seconds if self._row_seconds else float("inf")

    def worked(self) -> None:
        """A merged result was cut."""
        self._strikes = 0

    def strike(self, reason: str) -> bool:
        """Two requests could not be merged, though neither failed alone. Whether it rests now."""
        self._strikes += 1
        if self._strikes < _STRIKES or self.resting:
            return False
        self._strikes = 0
        self._rest = _REST_BATCHES
        self.resting = reason
        self.form = None  # what was always the same may have changed
        return True

    def batch_rests(self) -> bool:
        """Whether the next batch runs alone."""
        if not self.resting:
            return False
        self._rest -= 1
        if self._rest < 0:
            self.resting = ""
        return bool(self.resting)


class Kinds:
    """The kinds seen lately."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, Kind] = {}

    def kind(self, key: Hashable, *, several_lists: bool = False) -> Kind:
        """That with this key; the longest unseen ones are forgotten."""
        kind = self._kinds.pop(key, None)
        if kind is None:
            kind = Kind(several_lists=several_lists)
        self._kinds[key] = kind
        if len(self._kinds) > _MOST_KINDS:
            del self._kinds[next(iter(self._kinds))]
        return kind
