"""How many bytes of request bodies may be in the front's memory at once. Pure.

One budget for all bodies that come, or wait for a worker: first come first served. A declared
length is taken when the head has come, before any of the body is read, so that no two half bodies
wait for each other; a chunked body is taken as it comes. What a worker has begun on is given back.
"""

from __future__ import annotations

_WITHOUT_LIMIT_BYTES = 1 << 30


class BodyBudget:
    """The budget of one server: `limit` bytes, of which `held` are taken."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def take(self, size: int) -> bool:
        """Takes so many bytes; returns whether there was room for them."""
        held = self.held + size
        if held > self.limit:
            return False
        self.held = held
        return True

    def give_back(self, size: int) -> None:
        """So many bytes are let go."""
        self.held -= size


def sensible_limit(asked: int, largest_body: int, memory_bytes: int | None) -> int:
    """The limit that is `asked` for, or where that is 0 a quarter of the container's memory (None:
    it has no limit); in any case room for one body of the largest size.
    """
    automatic = _WITHOUT_LIMIT_BYTES if memory_bytes is None else memory_bytes // 4
    return max(asked or automatic, largest_body)
