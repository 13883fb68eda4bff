"""Of connections that end: what reads one that is read no more, and whether its client has left."""

from __future__ import annotations

import asyncio
import contextlib
import select
from typing import Any


class _Deaf:
    """Stands for the parser of a connection that is ending: what still comes is thrown away."""

    def feed_data(self, data: bytes) -> None:
        pass

    def should_upgrade(self) -> bool:
        return False


DEAF: Any = _Deaf()


def client_left(transport: asyncio.BaseTransport) -> bool:
    """Whether the client has closed its end, which nobody notices while reading is paused."""
    poll = select.poll()
    with contextlib.suppress(ValueError, OSError):  # it is closed on our side too
        poll.register(transport.get_extra_info("socket").fileno(), select.POLLRDHUP)
    return bool(poll.poll(0))
