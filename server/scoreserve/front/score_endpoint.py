"""The long road to /score: a plain ASGI endpoint over the scoring handler."""

from __future__ import annotations

import asyncio

from starlette.types import Receive, Scope, Send

from scoreserve.errors import ReplyError
from scoreserve.front.asgi import ClientGone, read_body, request_head, send_reply
from scoreserve.front.dispatcher import Job
from scoreserve.front.replies import Reply
from scoreserve.front.scoring import Scoring

# Most answers come before this; only for the others is it worth a task to watch the client.
_WATCH_AFTER_SECONDS = 0.1


class ScoreEndpoint:
    """ASGI application for /score."""

    def __init__(self, scoring: Scoring, max_body_bytes: int) -> None:
        self._scoring = scoring
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = request_head(scope)
        try:
            chunks = await read_body(receive, head, self._max_body_bytes)
        except ReplyError as error:
            await send_reply(send, self._scoring.refuse(head, error), close=True)
            return
        except ClientGone:
            return
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply | None] = loop.create_future()

        def on_reply(reply: Reply) -> None:
            if not answer.done():
                answer.set_result(reply)

        job = self._scoring.submit(head, chunks, on_reply)
        del chunks  # the job's: they are let go once the worker has them
        reply = await self._answer(answer, job, receive)
        if reply is not None:
            await send_reply(send, reply)

    async def _answer(
        self, answer: asyncio.Future[Reply | None], job: Job | None, receive: Receive
    ) -> Reply | None:
        """The reply, or None when the client leaves first, whose job is then cancelled."""
        loop = asyncio.get_running_loop()
        watchers: list[asyncio.Task[None]] = []
        timer = loop.call_later(
            _WATCH_AFTER_SECONDS,
            lambda: watchers.append(loop.create_task(_watch_client(receive, answer))),
        )
        try:
            reply = await answer
        finally:
            timer.cancel()
            for watcher in watchers:
                watcher.cancel()
        if reply is None and job is not None:
            self._scoring.cancel(job)
        return reply


async def _watch_client(receive: Receive, answer: asyncio.Future[Reply | None]) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    if not answer.done():
        answer.set_result(None)
