"""Full garbage collections made rare: each looks at every object of the process.

With scikit-learn and pandas some 130,000 objects stay after init(), and a full collection of them
takes 65 ms, in which no request is answered. Python makes one when a quarter as many again have
survived the collections of young objects, which is how objects look that are just in use: with 64
calls of run() under way it is made every 2,000 to 5,000 requests, and takes a fifth of their time.

So what is there after init() is put where Python's own collections do not look, the permanent
generation of https://docs.python.org/3/library/gc.html#gc.freeze. Now and then, between requests,
it is taken back for a full one: a model that the script has put another in the place of is to go.
A script that cannot wait for it, with a GPU that holds one model, says gc.collect(): that looks at
all of it, as ever.

A worker that is forked from a template has none of this. What the template has frozen stays so: to
look at an object is to write to it, and so to copy its page. Nor would it free much, since the
template has it all anyway.

None of this is a callback of the collector's (`gc.callbacks`). The handlers of signals run in such
a function as in any other, and what they raise there is lost: the end of SCORING_TIMEOUT_MS, say.
"""

from __future__ import annotations

import functools
import gc
import math
import time
from collections.abc import Callable
from typing import Final

_MOST_SHARE: Final = 0.001  # of the time: for collections that look at every object
_OLDEST: Final = 2  # generation
_MIDDLE: Final = 1

_collect = gc.collect


class FullCollections:
    """Has Python's own full collections leave out what has stayed, but for one each while."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._next = math.inf  # not before, by the clock; infinity: it is not started
        self._seen = 0  # collections of Python's own, at the last full one
        self._kept_at_first = gc.get_freeze_count()  # Python 3.12 starts with some

    def install(self) -> None:
        """Has gc.collect() look at all, whatever is kept from other collections. It is for the time
        before a script's `from gc import collect`.
        """

        @functools.wraps(_collect)
        def collect(generation: int = _OLDEST) -> int:
            if generation != _OLDEST or math.isinf(self._next):
                return _collect(generation)
            return self._collect_all()

        gc.collect = collect

    def start(self) -> None:
        """Collects, and keeps what stays. A script that sets the collector as it wants is let be:
        one that has switched it off, or has frozen objects itself.
        """
        has_frozen = gc.get_freeze_count() > self._kept_at_first
        if gc.isenabled() and gc.get_threshold()[0] and not has_frozen:
            self._collect_all()

    def collect_if_due(self) -> None:
        """Looks at every object, where it is a while ago and there may be something to find. It is
        for the time between requests.
        """
        if self._clock() >= self._next and _python_collected() != self._seen:
            self._collect_all()

    def stop(self) -> None:
        """Puts everything back, for tests."""
        self._next = math.inf
        gc.collect = _collect
        gc.unfreeze()

    def _collect_all(self) -> int:
        """How many objects could not be reached. What is there then is kept."""
        began = self._clock()
        gc.unfreeze()
        try:
            return _collect()
        finally:
            gc.freeze()
            now = self._clock()
            self._next = now + (now - began) / _MOST_SHARE
            self._seen = _python_collected()


def _python_collected() -> int:
    """How often it has looked at more than the youngest objects. (From Python 3.14 on it makes no
    full collections by itself.)
    """
    return int(gc.get_stats()[_MIDDLE]["collections"])
