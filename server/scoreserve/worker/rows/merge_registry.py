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
differ. Those two stay known as `controls`, to go along in every merged call. Requests that are all
the same can be proven too, for themselves alone.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from scoreserve.worker.rows import merging, splitting
from scoreserve.worker.rows.merging import TakenApart
from scoreserve.worker.rows.reasons import ROWS_DIFFER
from scoreserve.worker.rows.splitting import Split

_PROOFS = 2
_STRIKES = 3
_REST_BATCHES = 1000  # until a kind that was of no use is tried again
_LONGEST_PAUSE = 64  # batches between two attempts to prove anything
_FIRST_CHECK, _LAST_CHECK, _CHECK_FACTOR = 16, 4096, 4  # merged batches from proof to proof
_MOST_KINDS = 64  # a client that makes up parameters must not fill the memory


class Step(enum.Enum):
    """What to do with a batch of requests of one kind."""

    ALONE = "off"
    PROVE = "proving"
    MERGE = "merging"


class Control(NamedTuple):
    """A payload, and the result it has alone."""

    parts: TakenApart
    result: Any


class Repeated(NamedTuple):
    """An input that came several times at once, the result it has alone, and its proofs."""

    input: Any
    result: Any
    proofs: int


class PayloadKind:
    """What is known of the requests of one group key.

    `off` is the reason why they run alone, or empty. `row_seconds` is what a row costs in run() at
    most, as seen lately. `candidate` is a row that may become a control once another differs from
    it. `fixed` are the columns that all rows of the proofs had alike.
    """

    def __init__(self) -> None:
        self.split: Split | None = None
        self.controls: tuple[Control, Control] | None = None
        self.candidate: Control | None = None
        self.fixed: Mapping[Hashable, Any] = {}
        self.off = ""
        self.row_seconds = 0.0
        self._proofs = 0
        self._repeated: Repeated | None = None
        self._strikes = 0
        self._rest = 0
        self._attempts = 0  # in a row that proved nothing
        self._pause = 0
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
        if self.known(repeated) is not None:
            return Step.MERGE
        if self._pause:
            self._pause -= 1
            return Step.ALONE
        return Step.PROVE

    def known(self, repeated: Any | None) -> Repeated | None:
        """What is proven for requests with just this input."""
        mine = self._repeated
        if mine is None or mine.proofs < _PROOFS or mine.input != repeated:
            return None
        return mine

    def rows_within(self, seconds: float) -> float:
        """How many rows a run() of so many seconds has at least, even if it takes each in turn."""
        return seconds / self.row_seconds if self.row_seconds else float("inf")

    @property
    def known_rows(self) -> tuple[Control, ...]:
        """Rows whose results alone are known."""
        if self.controls is not None:
            return self.controls
        return () if self.candidate is None else (self.candidate,)

    def took(self, seconds: float, rows: int) -> None:
        """A run() of so many rows took so long."""
        self.row_seconds = seconds / rows

    def proved(
        self, split: Split, rows: Sequence[Control], controls: tuple[Control, Control]
    ) -> None:
        """Merged results of `rows` were equal to the single ones, and those of two of them, the
        `controls`, differed. Raises NotSplit.
        """
        self.split = splitting.agreed(self.split, split)
        self.controls = controls
        fixed = merging.fixed_columns([row.parts for row in rows])
        if self._proofs:
            fixed = {name: value for name, value in fixed.items() if name in self.fixed}
        self.fixed = fixed
        self._proofs += 1
        self._strikes = self._attempts = 0

    def proved_repeated(self, split: Split, repeated: Any, result: Any) -> None:
        """Merged results of equal requests were equal to the single ones. Raises NotSplit."""
        self.split = splitting.agreed(self.split, split)
        before = self._repeated
        proofs = before.proofs if before is not None and before.input == repeated else 0
        self._repeated = Repeated(repeated, result, proofs + 1)
        self._attempts = 0

    def proved_nothing(self, row: Control) -> None:
        """There were no two results that differ from that of `row`. The next attempts are made ever
        more seldom, and with that row beside the others.
        """
        self.candidate = row
        self._pause = min(2**self._attempts - 1, _LONGEST_PAUSE)
        self._attempts += 1

    def learn_shapes(self, alone: Any) -> None:
        """A request of this kind had this result alone."""
        if self.split is not None:
            self.split = splitting.with_shapes_of(self.split, alone)

    def refuted(self, reason: str) -> None:
        """A merged result was not what the single ones were."""
        self.off = reason
        self.split = self.controls = self.candidate = None
        self.fixed = {}
        self._proofs = 0
        self._repeated = None
        self._rest = 0 if reason == ROWS_DIFFER else _REST_BATCHES

    def strike(self, reason: str) -> None:
        """Nothing of a batch could be merged."""
        self._strikes += 1
        if self._strikes >= _STRIKES:
            self._strikes = 0
            self.refuted(reason)

    def worked(self) -> None:
        """A merged result was split."""
        self._strikes = 0


class MergeRegistry:
    """The kinds seen lately."""

    def __init__(self) -> None:
        self._kinds: dict[Hashable, PayloadKind] = {}

    def kind(self, key: Hashable) -> PayloadKind:
        """What is known of the requests with this key; the longest unseen kinds are forgotten."""
        kind = self._kinds.pop(key, None) or PayloadKind()
        self._kinds[key] = kind
        if len(self._kinds) > _MOST_KINDS:
            del self._kinds[next(iter(self._kinds))]
        return kind

    def summary(self) -> dict[str, int]:
        """How many kinds stand where, by the values of Step."""
        return Counter(kind.step.value for kind in self._kinds.values())
