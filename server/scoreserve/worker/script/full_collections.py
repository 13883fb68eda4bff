"""Full garbage collections made rare: each looks at every object of the process.

With scikit-learn and pandas some 130,000 objects stay after init(), and a full collection of them
takes 65 ms, in which no request is answered. Python makes one when a quarter as many again have
survived the collections of young objects, which is how objects look that are just in use: with 64
calls of run() under way it is made every 2,000 to 5,000 requests, and takes a fifth of their time.

So what is there after init() is put where collections do not look, the permanent generation of
https://docs.python.org/3/library/gc.html#gc.freeze, and is taken back for a full one now and then:
a model that the script has put another in the place of is to go. A script that cannot wait for it,
with a GPU that holds one model, says gc.collect(): that looks at all of it, as ever.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Final

_MOST_SHARE: Final = 0.001  # of the time: for collections that look at every object
_OLDEST: Final = 2  # generation


class FullCollections:
    """Has Python's own full collections leave out what has stayed, but for one each while."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began: float | None = None  # the collection under way, if it looks at every object
        self._next = clock()

    def start(self) -> None:
        """Collects, and keeps what stays. A script that sets the collector as it wants is let be:
        one that has switched it off, or has frozen objects itself.
        """
        if not _runs_by_itself() or gc.get_freeze_count():
            return
        gc.callbacks.append(self._on_collection)
        gc.collect()

    def stop(self) -> None:
        """Puts everything back, for tests."""
        gc.callbacks.remove(self._on_collection)
        gc.unfreeze()

    def _on_collection(self, phase: str, about: dict[str, int]) -> None:
        if about["generation"] < _OLDEST:
            return
        now = self._clock()
        if phase == "start":
            self._began = now if now >= self._next or _is_asked_for() else None
            if self._began is not None:
                gc.unfreeze()
        elif self._began is not None:
            gc.freeze()
            self._next = now + (now - self._began) / _MOST_SHARE


def _runs_by_itself() -> bool:
    return gc.isenabled() and gc.get_threshold()[0] > 0


def _is_asked_for() -> bool:
    """Whether the collection that begins is one of gc.collect(). One of Python's own begins where
    there are more young objects than their threshold, and counts anew only after this look.
    """
    return not _runs_by_itself() or gc.get_count()[0] <= gc.get_threshold()[0]
