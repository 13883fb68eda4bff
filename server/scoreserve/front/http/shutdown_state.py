"""Whether the server is on its way out, for whoever answers or reports differently then."""

from __future__ import annotations

from scoreserve.errors import Stopping


class ShutdownState:
    """`begun` from SIGTERM on: not ready any more, though what comes is still answered."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        self.begun = True

    def error(self) -> Stopping | None:
        """Why `/` is not healthy, once it has begun."""
        return Stopping() if self.begun else None
