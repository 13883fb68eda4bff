"""When a worker is replaced, after what pause, and when there is no point in it. Pure.

    a worker is gone ─→ died ─→ hopeless? ─ no ─→ pause ─→ a replacement starts
                                    └ yes ─→ the server gives up, exit code 3

Hopeless is a script that no worker can start, in the first start at once, later after several in a
row; or workers that keep dying and none has ever answered. Requests that kill their workers are no
reason: others are answered.
"""

from __future__ import annotations

_FIRST_PAUSE_SECONDS = 0.2
_MOST_DOUBLINGS = 6  # of the pause: up to 13 s
_MERGING_DEATHS = 5  # that end merging, until the script is loaded anew
_HOPELESS_DEATHS = 6  # in a row: after about 3 s of pauses


class RestartPolicy:
    """The deaths of one server's workers, and what follows from them."""

    def __init__(self) -> None:
        self.ever_ready = False
        self._ever_answered = False
        self._deaths = 0  # in a row, with no answer in between
        self._fruitless_deaths = 0  # those of them that no request can have caused
        self._failed_starts = 0  # in a row
        self._refused_starts = 0  # in a row, by the system
        self._merging_deaths = 0

    def ready(self) -> None:
        """A worker is ready."""
        self.ever_ready = True
        self._failed_starts = 0

    def answered(self) -> None:
        """A worker has answered."""
        self._ever_answered = True
        self._deaths = self._fruitless_deaths = 0

    def died(self, *, was_ready: bool, running: bool) -> None:
        """A worker ended unasked; `running`: a request may be why."""
        self._deaths += 1
        if not (was_ready and running):
            self._fruitless_deaths += 1
        if not was_ready:
            self._failed_starts += 1

    def start_refused(self) -> None:
        """The system had no process to give."""
        self._refused_starts += 1

    def started(self) -> None:
        """A process was started."""
        self._refused_starts = 0

    def hopeless(self, workers: int) -> bool:
        """Whether no worker is to be had, rather than that requests kill the ones there are, of
        which so many take jobs.
        """
        if workers:
            return False
        if not self.ever_ready:
            return True
        if not self._ever_answered and self._fruitless_deaths >= _HOPELESS_DEATHS:
            return True
        return self._failed_starts >= _HOPELESS_DEATHS

    def pause_seconds(self) -> float:
        """How long to wait before the next start."""
        in_a_row = max(self._deaths, self._failed_starts, self._refused_starts)
        return pause_after(in_a_row)

    def died_of_merging(self) -> bool:
        """A worker died in a merged call, or comparing what merged calls give. Returns whether no
        more are to be merged: a script that does not stand it would do so in each replacement.
        """
        self._merging_deaths += 1
        return self._merging_deaths == _MERGING_DEATHS

    def reloaded(self) -> None:
        """The script is loaded anew."""
        self._merging_deaths = 0


def pause_after(deaths: int) -> float:
    """Seconds before a worker is replaced, after so many deaths in a row."""
    if deaths <= 1:
        return 0.0
    return _FIRST_PAUSE_SECONDS * 2.0 ** min(deaths - 2, _MOST_DOUBLINGS)
