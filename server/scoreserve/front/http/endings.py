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
    return _polled(transport, select.POLLRDHUP)


def is_reset(transport: asyncio.BaseTransport) -> bool:
    """Whether the client's machine has said that nobody is there any more."""
    return _polled(transport, select.POLLERR | select.POLLHUP)


def _polled(transport: asyncio.BaseTransport, events: int) -> bool:
    poll = select.poll()
    found = 0
    with contextlib.suppress(ValueError, OSError, AttributeError):  # it is closed on our side too
        poll.register(transport.get_extra_info("socket").fileno(), events)
        found = sum(event for _, event in poll.poll(0))
    return bool(found & events)
