"""Whether requests of one kind may be merged: proven on their own results, never assumed.

    PROVE ── merged results equal to the single ones, twice ──→ MERGE
      │ ↑                                                        │ │
      │ └─ now and then, and after a rest ───────────────────────┘ │
      └─── a merged result that differs ──→ ALONE ←── no use of merging, three times in a row

A kind is a group key of `merging`: other parameters may make another function of the same script.
While a kind has to be proven its requests are answered from runs of their own, beside which the
merged runs are only compared.

What proves anything is that rows of different results keep theirs: merged rows that all have one
result may be merged because nothing tells them apart. So a proof needs two rows whose results
differ, and those two stay known as `controls`, to be merged with requests whose results are
suspiciously alike. Requests that are all the same can be proven too, for themselves alone.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Hashable
from typing import Any, NamedTuple

from scoreserve.worker import merging
from scoreserve.worker.merging import Parts, Split

_PROOFS = 2
_STRIKES = 3
_REST_BATCHES = 1000  # until a kind that was of no use is tried again
_FIRST_CHECK, _LAST_CHECK, _CHECK_FACTOR = 16, 4096, 4  # merged batches from proof to proof
_MOST_KINDS = 64  # a client that makes up parameters must not fill the memory

_REFUTED = "rows_differ"


class Step(enum.Enum):
    """What to do with a batch of requests of one kind."""

    ALONE = "off"
    PROVE = "proving"
    MERGE = "merging"


class Control(NamedTuple):
    """A payload of one row, and the result it has alone."""

    parts: Parts
    result: Any


class Repeated(NamedTuple):
    """An input that came several times at once, the result it has alone, and its proofs."""

    input: Any
    result: Any
    proofs: int


class Kind:
    """What is known of the requests of one group key.

    `off` is the reason why they run alone, or empty. `telling` are the members of a result in which
    the two controls differ.
    """

    def __init__(self) -> None:
        self.split: Split | None = None
        self.controls: tuple[Control, Control] | None = None
        self.telling: frozenset[str] = frozenset()
        self.off = ""
        self._proofs = 0
        self._repeated: Repeated | None = None
        self._strikes = 0
        self._rest = 0
        self._merged = 0
        self._next_check = _FIRST_CHECK

    @property
    def step(self) -> Step:
        """Where it stands."""
        if self.off:
            return Step.ALONE
        return Step.MERGE if self._proofs >= _PROOFS else Step.PROVE

    def next_step(self, repeated: Any | None) -> Step:
        """What to do with the next batch. `repeated`: the input that all its members have."""
        if self.off:
            self._rest -= 1
            if not self._rest:  # a refuted kind has none, and never gets there
                self.off = ""
            return Step.ALONE
        if self._proofs >= _PROOFS:
            self._merged += 1
            if self._merged < self._next_check:
                return Step.MERGE
            self._merged = 0
            self._next_check = min(self._next_check * _CHECK_FACTOR, _LAST_CHECK)
            return Step.PROVE
        return Step.PROVE if self.known(repeated) is None else Step.MERGE

    def known(self, repeated: Any | None) -> Repeated | None:
        """What is proven for requests with just this input."""
        mine = self._repeated
        if mine is None or mine.proofs < _PROOFS or mine.input != repeated:
            return None
        return mine

    def proved(self, split: Split, controls: tuple[Control, Control]) -> None:
        """Merged results were equal to the single ones, some of which differed. Raises NotSplit."""
        self.split = merging.agreed(self.split, split)
        self.controls = controls
        first, last = controls
        self.telling = merging.told_apart(first.result, last.result, self.split)
        self._proofs += 1
        self._strikes = 0

    def proved_repeated(self, split: Split, repeated: Any, result: Any) -> None:
        """Merged results of equal requests were equal to the single ones. Raises NotSplit."""
        self.split = merging.agreed(self.split, split)
        before = self._repeated
        proofs = before.proofs if before is not None and before.input == repeated else 0
        self._repeated = Repeated(repeated, result, proofs + 1)

    def learn_shapes(self, alone: Any) -> None:
        """A request of this kind had this result alone."""
        if self.split is not None:
            self.split = merging.with_shapes_of(self.split, alone)

    def refuted(self, reason: str) -> None:
        """A merged result was not what the single ones were."""
        self.off = reason
        self.split = None
        self._proofs = 0
        self._repeated = None
        self._rest = 0 if reason == _REFUTED else _REST_BATCHES

    def strike(self, reason: str) -> None:
        """Nothing of a batch could be merged."""
        self._strikes += 1
        if self._strikes >= _STRIKES:
            self._strikes = 0
            self.refuted(reason)

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

    def summary(self) -> dict[str, int]:
        """How many kinds stand where, by the values of Step."""
        return Counter(kind.step.value for kind in self._kinds.values())
