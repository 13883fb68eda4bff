"""The scoring handler: a request in, a reply out, with no word of ASGI or sockets.

Both paths to /score use it: they give it the request's head and body and a function that takes the
reply. It turns the request into a job for the dispatcher and the job's outcome into a reply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from mypy_extensions import mypyc_attr

from scoreserve import heads, wire
from scoreserve.errors import BadInput, NotReady, QueueFull, ReplyError, TooManyBytes
from scoreserve.front.messages.replies import HTML, RUN_NOT_FAILED, Replies, Reply
from scoreserve.front.messages.request_heads import CachedHead
from scoreserve.front.observe.counters import Metrics
from scoreserve.front.observe.failures import Failures
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.heads import RequestHead
from scoreserve.wire import Chunk, Outcome

_SERVER_ERROR: Final = 500  # the least status of an answer that is no fault of the client's
_CLIENT_GONE = "client_gone"  # the one reason for shedding that nobody is answered with


@mypyc_attr(allow_interpreted_subclasses=True)
class ReplyTo:
    """Whoever asks for a score."""

    __slots__ = ()

    def answer(self, reply: Reply) -> None:
        """The reply to the request, once, at once or later."""
        raise NotImplementedError

    def break_off(self) -> None:
        """No reply will come: making or giving it has failed."""
        raise NotImplementedError


class _ScoreJob(QueuedJob):
    """A job whose outcome becomes a reply to `reply_to`. `common`: the lines of every such reply.

    Who is replied to knows its job too: a circle, which would be left to the garbage collector.
    So the job lets go of it.
    """

    __slots__ = ("_common", "_handler", "_reply_to")

    def __init__(  # noqa: PLR0913, PLR0917 - a field each
        self,
        head: bytes,
        chunks: Sequence[Chunk],
        request_id: bytes,
        common: bytes,
        reply_to: ReplyTo,
        handler: ScoreHandler,
    ) -> None:
        super().__init__(head, chunks, request_id)
        self._common = common
        self._reply_to: ReplyTo | None = reply_to
        self._handler = handler

    def forget(self) -> None:
        super().forget()
        self._reply_to = None

    def tell(self, outcome: Outcome | ReplyError, seconds: float) -> None:
        if self._reply_to is not None:
            self._reply_to.answer(self._handler.reply(self, self._common, outcome, seconds))
            self._reply_to = None

    def break_off(self) -> None:
        reply_to, self._reply_to = self._reply_to, None
        if reply_to is not None:
            reply_to.break_off()


class ScoreHandler:
    """Answers score requests.

    `not_ready` is asked while no worker takes jobs. It gives the error for a request as long as
    none has ever been ready, and None once one has: from then on requests wait in the queue. `raw`:
    run() takes requests as they are, even OPTIONS, which else is answered here.
    """

    def __init__(  # noqa: PLR0913 - what surrounds it is given
        self,
        dispatch: DispatchLoop,
        replies: Replies,
        not_ready: Callable[[], NotReady | None],
        raw: Callable[[], bool] = lambda: False,
        *,
        metrics: Metrics,
        failures: Failures,
        end_slow_bodies: Callable[[], bool] = lambda: False,
    ) -> None:
        self._bodies = dispatch.bodies
        self._end_slow_bodies = end_slow_bodies
        self._metrics = metrics
        self._failures = failures
        self._dispatch = dispatch
        self._replies = replies
        self._not_ready = not_ready
        self._raw = raw

    def hold(self, size: int) -> None:
        """Takes so many bytes of memory for a body that comes. Raises TooManyBytes."""
        bodies = self._bodies
        if bodies.take(size):
            return
        if not (self._end_slow_bodies() and bodies.take(size)):
            raise TooManyBytes(bodies.limit, self._dispatch.retry_seconds())

    def release(self, size: int) -> None:
        """So many bytes of a body are let go before it is submitted."""
        self._bodies.give_back(size)

    def submit(
        self,
        head: RequestHead,
        chunks: Sequence[Chunk],
        reply_to: ReplyTo,
        client: bytes = b"",
    ) -> QueuedJob | None:
        """Scores one request of `reply_to`, whose body was held (see `hold`) and no longer is when
        it is scored or refused. `client` is that of a head that has none.

        Returns the job to `cancel` when the client leaves, or None when the reply is given already.
        """
        try:
            request_id, common = self._replies.common(head)
            error = None if self._dispatch.workers else self._not_ready()
            if error is not None:
                raise error
            if head.method == b"OPTIONS" and not self._raw():
                self._bodies.give_back(wire.size(chunks))
                reply_to.answer(self._replies.ok(head, HTML, b"", RUN_NOT_FAILED))
                return None
            block = _encode(head, request_id, client)
        except ReplyError as refusal:
            self._bodies.give_back(wire.size(chunks))
            reply_to.answer(self.refuse(head, refusal))
            return None
        job = _ScoreJob(block, chunks, request_id, common, reply_to, self)
        job.held_bytes = wire.size(chunks)
        try:
            self._dispatch.submit(job)
        except QueueFull as full:
            self._bodies.give_back(job.let_go())
            job.finish(full, 0.0)
            return None
        return job

    def reply(
        self, job: QueuedJob, common: bytes, outcome: Outcome | ReplyError, seconds: float
    ) -> Reply:
        """The reply to a request whose job had this outcome `seconds` after it was queued."""
        if not isinstance(outcome, Outcome):
            self._count(outcome)
            if not outcome.shed:
                self._failures.add(job.request_id, outcome.status, outcome.message)
        elif outcome.status >= _SERVER_ERROR:
            self._failures.add(job.request_id, outcome.status, outcome.failure)
        reply = self._replies.outcome(common, outcome, seconds, job.stream)
        reply.job_id, reply.batch = job.id, job.batch
        return reply

    def can_begin(self, job: QueuedJob) -> bool:
        """Whether a worker has the job, or can have it at once."""
        return self._dispatch.can_begin(job)

    def cancel(self, job: QueuedJob) -> None:
        """The client of this job has left."""
        self._metrics.abandoned += 1
        if not job.sent:
            self._metrics.shed[_CLIENT_GONE] += 1
        self._dispatch.cancel(job)

    def refuse(self, head: RequestHead, error: ReplyError) -> Reply:
        """The reply to a request that never becomes a job."""
        self._count(error)
        return self._replies.error(head, error)

    def _count(self, error: ReplyError) -> None:
        if error.shed:
            self._metrics.shed[error.shed] += 1


def _encode(head: RequestHead, request_id: bytes, client: bytes) -> bytes:
    try:
        if type(head) is not CachedHead:
            return heads.encode_head(head, request_id)
        before, after = head.around_client
        return b"%b%b%b%b" % (before, client, after, request_id)
    except ValueError as error:
        raise BadInput(f"The request is malformed: {error}.") from None
