"""The long road to /score: a plain ASGI endpoint over the scoring handler."""

from __future__ import annotations

import asyncio

from scoreserve.errors import ReplyError
from scoreserve.front.asgi import (
    ClientGone,
    Receive,
    Scope,
    Send,
    read_body,
    request_head,
    send_reply,
)
from scoreserve.front.client_watch import Answer, ClientWatch
from scoreserve.front.replies import Reply
from scoreserve.front.scoring import Scoring


class ScoreEndpoint:
    """ASGI application for /score. Bodies may have up to `max_body_bytes`."""

    def __init__(self, scoring: Scoring, max_body_bytes: int) -> None:
        self._scoring = scoring
        self._max_body_bytes = max_body_bytes
        self._watch = ClientWatch()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = request_head(scope)
        try:
            chunks = await read_body(receive, head, self._max_body_bytes)
        except ReplyError as error:
            await send_reply(send, self._scoring.refuse(head, error), close=True)
            return
        except ClientGone:
            return
        answer: Answer = asyncio.get_running_loop().create_future()

        def on_reply(reply: Reply) -> None:
            if not answer.done():
                answer.set_result(reply)

        job = self._scoring.submit(head, chunks, on_reply)
        del chunks  # the job's: they are let go once the worker has them
        self._watch.add(answer, receive)
        reply = await answer
        if reply is not None:
            await send_reply(send, reply)
        elif job is not None:
            self._scoring.cancel(job)
