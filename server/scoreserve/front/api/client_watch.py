"""Notices clients that leave before their answer is there, on the ASGI path.

ASGI tells of a disconnect only to whoever awaits `receive`. A task for every request would cost
more than most requests do, so requests are noted in a list, and only those still unanswered at the
next sweep get one.
"""

from __future__ import annotations

import asyncio
from functools import partial

from starlette.types import Receive

from scoreserve.front.api.responses import disconnected
from scoreserve.front.messages.replies import Reply

_SWEEP_SECONDS = 0.1

# The reply to a request, or None when its client left first.
Answer = asyncio.Future[Reply | None]


class ClientWatch:
    """Sets the answers of clients that left to None."""

    def __init__(self) -> None:
        self._recent: list[tuple[Answer, Receive]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, answer: Answer, receive: Receive) -> None:
        """Watches the client behind `receive`, whose body is read, until `answer` is done."""
        if not self._recent:
            answer.get_loop().call_later(_SWEEP_SECONDS, self._sweep)
        self._recent.append((answer, receive))

    def _sweep(self) -> None:
        recent, self._recent = self._recent, []
        for answer, receive in recent:
            if not answer.done():
                task = answer.get_loop().create_task(_await_disconnect(answer, receive))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
                answer.add_done_callback(partial(_cancel, task))


def _cancel(task: asyncio.Task[None], answer: Answer) -> None:
    task.cancel()


async def _await_disconnect(answer: Answer, receive: Receive) -> None:
    await disconnected(receive)
    if not answer.done():
        answer.set_result(None)
