"""Whether a mini-batch whose process has ended is tried again. Pure.

Azure's limit is of tries; a process that is killed from outside, by the kernel for want of memory
or by whoever stops a machine, has a higher one: it may well not be the mini-batch's doing.
"""

from __future__ import annotations

import signal
from collections import Counter

from scoreserve.batch.work import EXIT_TIMEOUT, Done, MiniBatch

MOST_KILLS = 10
KILLS = frozenset({-signal.SIGKILL, -signal.SIGTERM})


class Retries:
    """The processes that each mini-batch has cost."""

    def __init__(self, max_tries: int) -> None:
        self._max_tries = max_tries
        self._tries: Counter[int] = Counter()
        self._kills: Counter[int] = Counter()

    def process_ended(self, batch: MiniBatch, code: int) -> Done | None:
        """That the mini-batch has failed, or None: it is to be tried again. `code` is what the
        process ended with while it scored it, negative for a signal.
        """
        counts = self._kills if code in KILLS else self._tries
        counts[batch.number] += 1
        tries = self._tries[batch.number] + self._kills[batch.number]
        if self._tries[batch.number] < self._max_tries and self._kills[batch.number] < MOST_KILLS:
            return None
        return lost(batch, tries, _told(code))

    def with_earlier_tries(self, done: Done) -> Done:
        """What became of a mini-batch in its last process, with the tries in those before."""
        earlier = self._tries[done.number] + self._kills[done.number]
        return done._replace(tries=done.tries + earlier) if earlier else done


def lost(batch: MiniBatch, tries: int, error: str) -> Done:
    """A mini-batch that is given up."""
    return Done(batch.number, batch.items, 0, tries, 0.0, error=error, failed=True)


def _told(code: int) -> str:
    if code == EXIT_TIMEOUT:
        return "run() took too long, and its process was ended"
    if code >= 0:
        return f"the process ended with exit code {code} while it scored it"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"the process was ended by {name} while it scored it"
