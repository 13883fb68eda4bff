"""One request on its way through the front: queue, worker, outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from scoreserve.errors import ReplyError
from scoreserve.front.body_stream import BodyStream
from scoreserve.wire import Chunk, JobRecord, Outcome

OnOutcome = Callable[[Outcome | ReplyError, float], None]


class Job(JobRecord):
    """One request to score.

    `head` is the encoded request head, `chunks` the body as received (let go as soon as it cannot
    be needed again), `id` the dispatcher's number for it, and `on_outcome` is called once with the
    worker's outcome or the error that stands for it, and the seconds since it was queued. When the
    outcome is streamed, `stream` brings its body.
    """

    __slots__ = (
        "alone",
        "on_outcome",
        "queued_at",
        "request_id",
        "sent",
        "stream",
    )

    def __init__(
        self,
        head: bytes,
        chunks: Sequence[Chunk],
        on_outcome: OnOutcome,
        request_id: bytes = b"",
    ) -> None:
        super().__init__(0, head, chunks)
        self.request_id = request_id
        self.on_outcome: OnOutcome | None = on_outcome
        self.sent = False
        self.alone = False  # it may be the one that a worker died of: it is merged with no other
        self.queued_at = 0.0
        self.stream: BodyStream | None = None

    @property
    def awaited(self) -> bool:
        """Whether anyone waits for its outcome still."""
        return self.on_outcome is not None

    def finish(self, outcome: Outcome | ReplyError, seconds: float) -> None:
        """Gives the outcome to whoever waits for it, and lets go of them.

        They know the job as it knows them: a circle, which would be left to the garbage collector.
        """
        on_outcome, self.on_outcome = self.on_outcome, None
        if on_outcome is not None:
            on_outcome(outcome, seconds)

    def forget(self) -> None:
        """Nobody waits for its outcome any more."""
        self.on_outcome = None


def end_all(jobs: Iterable[Job], error: ReplyError, now: float) -> None:
    """Ends each job with `error`, or breaks off the body that is being streamed for it."""
    for job in jobs:
        if job.stream is not None:
            job.stream.end(complete=False)
        else:
            job.finish(error, now - job.queued_at)
