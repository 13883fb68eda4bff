"""What an `async def run` returns, awaited. Imported where there is one: asyncio takes a third as
long as all else that a worker imports.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Generator
from typing import Any


class Coroutines:
    """Awaits on an event loop of its own, which runs only meanwhile."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    def result(self, value: Awaitable[Any]) -> Any:
        """What the awaitable gives. Raises what it raises."""
        return self._loop.run_until_complete(_await(value))

    def iterate(self, chunks: AsyncGenerator[Any, None]) -> Generator[Any, None, None]:
        """An async generator as a plain one, run a step at a time."""
        try:
            while True:
                try:
                    yield self.result(anext(chunks))
                except StopAsyncIteration:
                    return
        finally:
            self.result(chunks.aclose())


async def _await(value: Awaitable[Any]) -> Any:
    return await value
