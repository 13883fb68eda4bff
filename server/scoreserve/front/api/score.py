"""Answers /score in the ASGI application: the same score handler as on the fast path."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from scoreserve.errors import ReplyError
from scoreserve.front.api.client_watch import Answer, ClientWatch
from scoreserve.front.api.requests import Memory, head_of, read_body
from scoreserve.front.api.responses import NoResponse, ReplyResponse
from scoreserve.front.api.score_handler import ReplyTo
from scoreserve.front.messages.replies import Reply
from scoreserve.front.queue.job import QueuedJob
from scoreserve.heads import RequestHead
from scoreserve.wire import Chunk

# Where a scope has who tells whether its request's answer is coming, though its client sends no
# more.
CAN_BEGIN = "scoreserve.can_begin"


class Handler(Memory, Protocol):
    """What is asked of the score handler, see ScoreHandler."""

    def can_begin(self, job: QueuedJob) -> bool: ...

    def submit(
        self, head: RequestHead, chunks: Sequence[Chunk], reply_to: ReplyTo
    ) -> QueuedJob | None: ...

    def cancel(self, job: QueuedJob) -> None: ...

    def refuse(self, head: RequestHead, error: ReplyError) -> Reply: ...


class _Request(ReplyTo):
    """One request, whose reply somebody awaits as `reply`, unless its client has left."""

    def __init__(self) -> None:
        self.reply: Answer = asyncio.get_running_loop().create_future()

    def answer(self, reply: Reply) -> None:
        if not self.reply.done():
            self.reply.set_result(reply)
        elif reply.stream is not None:
            reply.stream.close()

    def break_off(self) -> None:
        if not self.reply.done():
            self.reply.set_exception(RuntimeError("the request could not be answered"))


class ScoreEndpoint:
    """Answers /score. Bodies may have up to `max_body_bytes`."""

    def __init__(self, handler: Handler, max_body_bytes: int) -> None:
        self._handler = handler
        self._max_body_bytes = max_body_bytes
        self._watch = ClientWatch()

    async def score(self, request: Request) -> Response:
        """Scores one request."""
        head = head_of(request.scope)
        try:
            chunks = await read_body(request, head, self._max_body_bytes, self._handler)
        except ReplyError as error:
            return ReplyResponse(self._handler.refuse(head, error).refusing())
        except ClientDisconnect:
            return NoResponse()
        asked = _Request()
        job = self._handler.submit(head, chunks, asked)
        del chunks  # the job's: they are let go once the worker has them
        if job is not None:
            request.scope[CAN_BEGIN] = partial(self._handler.can_begin, job)
        self._watch.add(asked.reply, request.receive)
        reply = await asked.reply
        if reply is not None:
            return ReplyResponse(reply)
        if job is not None:
            self._handler.cancel(job)
        return NoResponse()
