"""The ASGI path to /score: from ASGI's `receive` to the scoring handler."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from scoreserve.errors import ReplyError
from scoreserve.front.api.asgi import ClientGone, Receive, read_body
from scoreserve.front.api.client_watch import Answer, ClientWatch
from scoreserve.front.api.score_handler import ReplyTo, ScoreHandler
from scoreserve.front.messages.replies import Reply
from scoreserve.wire import RequestHead


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

    def __init__(self, scoring: ScoreHandler, max_body_bytes: int) -> None:
        self._scoring = scoring
        self._max_body_bytes = max_body_bytes
        self._watch = ClientWatch()

    async def __call__(self, head: RequestHead, receive: Receive) -> Reply | None:
        try:
            chunks = await read_body(receive, head, self._max_body_bytes)
        except ReplyError as error:
            return replace(self._scoring.refuse(head, error), close=True)
        except ClientGone:
            return None
        request = _Request()
        job = self._scoring.submit(head, chunks, request)
        del chunks  # the job's: they are let go once the worker has them
        self._watch.add(request.reply, receive)
        reply = await request.reply
        if reply is None and job is not None:
            self._scoring.cancel(job)
        return reply
