"""Whether requests of one kind may be merged: proven on their own results, never assumed.

    UNPROVEN ─ two merged results equal to the single ones ─→ TRUSTED ─ results that cannot be split
        └── a merged result that differs ─────────────→ OFF ←──────────┘   three times in a row

A kind is a group key of `merging`: other parameters may make another function of the same script.
Until a kind is trusted its requests are answered from runs of their own, beside which the merged
runs are only compared. Equal requests may be trusted before distinct ones are.
"""

from __future__ import annotations

from collections.abc import Hashable

from scoreserve.worker.merging import Split

_PROOFS = 2
_STRIKES = 3
_MOST_KINDS = 256  # a client that makes up parameters must not fill the memory


class Kind:
    """What is known of the requests of one group key."""

    def __init__(self) -> None:
        self.split: Split | None = None
        self.off = ""  # the reason, once it is off
        self._proofs = {False: 0, True: 0}  # by whether the requests were distinct
        self._strikes = 0

    def trusted(self, *, distinct: bool) -> bool:
        """Whether results may be split without looking.

        Merging equal requests proves nothing for distinct ones: an average of them is their own.
        """
        proofs = self._proofs[True] if distinct else max(self._proofs.values())
        return proofs >= _PROOFS and not self.off

    def proved(self, split: Split, *, distinct: bool) -> None:
        """A merged result was equal to the single ones, split this way."""
        if self.split is not None and self.split != split:
            self.off = "split_varies"
        self.split = split
        self._proofs[distinct] += 1
        self._strikes = 0

    def refuted(self, reason: str) -> None:
        """A merged result was not what the single ones were."""
        self.off = reason

    def strike(self, reason: str) -> None:
        """A merged run failed, or its result could not be split."""
        self._strikes += 1
        if self._strikes >= _STRIKES:
            self.off = reason

    def worked(self) -> None:
        """A merged result was split."""
        self._strikes = 0


class Trust:
    """The kinds seen lately."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, Kind] = {}

    def kind(self, key: Hashable) -> Kind:
        """What is known of the requests with this key; the longest unseen kinds are forgotten."""
        kind = self._kinds.pop(key, None) or Kind()
        self._kinds[key] = kind
        if len(self._kinds) > _MOST_KINDS:
            del self._kinds[next(iter(self._kinds))]
        return kind
