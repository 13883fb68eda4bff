"""A response body on its way from a worker's generator to the client, a chunk at a time.

worker ─ chunk ─→ feed ─→ next_chunk ─→ client
worker ←─ more ─────────────┘   asked for only when the client has taken the last one,
worker ←─ stop ── close         so a slow client slows the generator and nothing piles up

The worker owes a chunk once it was asked for one, and the end once it was told to stop:
`owed_since` tells since when, so that one that stands still can be ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class StreamBroken(Exception):
    """The body ended before it was complete: the generator raised or its worker died."""


class BodyStream:
    """One streamed body. `more` asks the worker for the next chunk, `stop` to give up. The first
    chunk comes unasked. `clock` tells the time in seconds.
    """

    def __init__(
        self,
        more: Callable[[], None],
        stop: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.owed_since: float | None = clock()  # when the worker was asked for what is to come
        self.stopped = False
        self._clock = clock
        self._more = more
        self._stop = stop
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._ended = False
        self._complete = False

    def feed(self, chunk: bytes) -> None:
        """A chunk has come from the worker."""
        if not self.stopped:
            self.owed_since = None
        self._chunks.put_nowait(chunk)

    def end(self, *, complete: bool) -> None:
        """Nothing more will come."""
        if not self._ended:
            self._ended = True
            self._complete = complete
            self._chunks.put_nowait(None)

    async def next_chunk(self) -> bytes | None:
        """The next chunk, or None at the end. Raises StreamBroken."""
        if self._chunks.empty() and not self._ended and self.owed_since is None:
            self.owed_since = self._clock()
            self._more()
        chunk = await self._chunks.get()
        if chunk is None and not self._complete:
            raise StreamBroken
        return chunk

    def close(self) -> None:
        """The client is done with it, or gone."""
        if not self._ended and not self.stopped:
            self.stopped = True
            self.owed_since = self._clock()
            self._stop()
