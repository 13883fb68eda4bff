"""What is known of one method of one model: whether calls of it may meet. Pure.

    PROVING ─ two proofs ─→ MEETING ─ a difference, no gain again, always raises ─→ OFF
       ↑                      ↑ ├─ results differ where none did in its proofs ─┐
       │                      └─┼──────────────── proven anew ──────────────────┘
       └──── no gain for once ──┘

That a method goes by rows is its library's word. A proof holds it to that: the merged result is
compared with those of single calls. Proofs in which all rows had one result tell little: then only
merged results that are alike too are used.
"""

from __future__ import annotations

from typing import Final

PROVING: Final = "proving"
MEETING: Final = "meeting"
OFF: Final = "off"

_ENOUGH_PROOFS: Final = 2
_TRIED_CALLS: Final = 16  # of which the middle one has to gain: single ones may be slow by chance
_LARGE_CALL: Final = 8  # requests; what fewer of them gain says nothing of more
_MOST_REFUSED: Final = 64  # one after the other, after which nobody asks any more
_MOST_RAISED: Final = 64  # one after the other, of what could be called alone


class MethodState:
    """One method of one model. `off` is why its calls do not meet, in plain words, or ""."""

    def __init__(self, model: str, method: str) -> None:
        self.model = model  # the name of its class
        self.method = method
        self.off = ""
        self.refusal = ""  # of the last call
        self.exact = False  # by the nature of the model
        self.of_model = ""  # why the model does not go by rows, as of that batch of calls
        self.looked_at = -1
        self._refused = 0  # one after the other
        self._proofs = 0
        self._telling_proofs = 0  # in which results differed from each other
        self._raised = 0  # together, though not alone
        self._alone_seconds: list[float] = []  # a call, the last ones
        self._met_seconds: list[float] = []  # a request, in large shared calls, the last ones
        self._doubtful = False  # no gain was found once

    @property
    def step(self) -> str:
        """Where it stands."""
        if self.off:
            return OFF
        return MEETING if self._proofs >= _ENOUGH_PROOFS else PROVING

    def refused(self, refusal: str) -> bool:
        """The library's word on one call: why it does not go by rows, or "". Is it alone?"""
        self.refusal = refusal
        self._refused = self._refused + 1 if refusal else 0
        if self._refused >= _MOST_REFUSED and not self.off:
            self.off = refusal
        return bool(refusal)

    @property
    def may_use(self) -> bool:
        """Whether a merged result may be used."""
        return not self.off and self._telling_proofs >= _ENOUGH_PROOFS

    @property
    def may_use_alike(self) -> bool:
        """Whether one may be used of which each has the same."""
        return not self.off and self._proofs >= _ENOUGH_PROOFS

    def proven(self, alike: bool) -> None:
        """A merged result was what the single ones are."""
        self._proofs += 1
        if not alike:
            self._telling_proofs += 1

    def raised_alone(self) -> None:
        """A call by itself raised: no wonder that the shared one did."""
        self._raised = 0

    def took_alone(self, seconds: float, raised_together: bool = False) -> None:
        """A call by itself took so long; the shared one before it may have raised."""
        if raised_together:
            self._raised += 1
            if self._raised >= _MOST_RAISED:
                self.off = "raised"
        if len(self._alone_seconds) >= _TRIED_CALLS:
            del self._alone_seconds[0]
        self._alone_seconds.append(seconds)

    def took_met(self, seconds: float, requests: int) -> None:
        """A shared call for so many requests took so long."""
        self._raised = 0
        if requests < _LARGE_CALL:
            return
        self._met_seconds.append(seconds / requests)
        if len(self._met_seconds) >= _TRIED_CALLS:
            met = _middle(self._met_seconds)
            self._met_seconds.clear()
            if self._alone_seconds:
                self._look_at_gain(met >= _middle(self._alone_seconds))

    def _look_at_gain(self, none: bool) -> None:
        """The machine may be busier than when single calls were timed: they are timed again, by
        proofs, before it counts.
        """
        if none and self._doubtful:
            self.off = "no_gain"
        elif none:
            self._proofs = self._telling_proofs = 0
            self._alone_seconds.clear()
        self._doubtful = none


def _middle(seconds: list[float]) -> float:
    return sorted(seconds)[len(seconds) // 2]
