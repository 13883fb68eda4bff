"""The templates of one server: the one in force, one that is loading, and those that are to end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from scoreserve.front.processes.template import Template


class Templates:
    """`make` starts one for the script as it is after so many reloads; `changed` is told when there
    are others than before.
    """

    def __init__(self, make: Callable[[int], Template], changed: Callable[[], None]) -> None:
        self.in_force: Template | None = None
        self.candidate: Template | None = None
        self._make = make
        self._changed = changed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving: set[Template] = set()
        self._all_gone = asyncio.Event()

    def connect(self, loop: asyncio.AbstractEventLoop) -> None:
        """There is an event loop from now on."""
        self._loop = loop
        if self.candidate is not None:
            self.candidate.connect(loop)

    def pids(self) -> list[int]:
        """The ids of all that have not ended."""
        known = [self.in_force, self.candidate, *self._leaving]
        return [template.pid for template in known if template is not None]

    def load(self, generation: int) -> None:
        """Starts a candidate. Raises OSError."""
        self.candidate = self._make(generation)
        if self._loop is not None:
            self.candidate.connect(self._loop)
        self._changed()

    def promote(self) -> None:
        """Puts the candidate in force, in the place of any other."""
        self.end_in_force()
        self.in_force, self.candidate = self.candidate, None

    def end_candidate(self) -> None:
        candidate, self.candidate = self.candidate, None
        self._end(candidate)

    def end_in_force(self) -> None:
        template, self.in_force = self.in_force, None
        self._end(template)

    def _end(self, template: Template | None) -> None:
        if template is not None:
            self._leaving.add(template)
            self._all_gone.clear()
            template.end()

    def gone(self, template: Template) -> None:
        """One has ended."""
        self._leaving.discard(template)
        if template is self.candidate:
            self.candidate = None
        elif template is self.in_force:
            self.in_force = None
        if not self._leaving:
            self._all_gone.set()
        self._changed()

    async def stop(self, seconds: float) -> None:
        """Ends them all, which have so many seconds for their atexit handlers."""
        self.end_candidate()
        self.end_in_force()
        if not self._leaving:
            return
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._all_gone.wait(), seconds)
        for template in self._leaving:
            template.kill()
