"""The memory of a large body goes back to the system once a worker has it.

A body comes in many pieces. Between them lies what was made meanwhile, so that the allocator kept
up to two thirds of their memory when they were freed: 50 MB of 77. The worker needs most just then.
"""

from __future__ import annotations

import asyncio
from typing import cast

LARGE_BYTES = 1 << 24


class LargeWrites(asyncio.BaseProtocol):
    """The protocol of a connection that is written to."""

    _transport: asyncio.WriteTransport
    _large = False  # what is being written

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def pause_writing(self) -> None:
        """More waits to be written than is usual."""
        self._large = self._transport.get_write_buffer_size() >= LARGE_BYTES

    def resume_writing(self) -> None:
        """It is written, but for little."""
        if self._large:
            self._large = False
            release_free_memory()


def release_free_memory() -> None:
    """Gives what the allocator keeps back to the system. Only glibc's has to be told."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
