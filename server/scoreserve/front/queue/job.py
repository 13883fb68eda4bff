"""One request on its way through the front: queue, worker, outcome."""

from __future__ import annotations

from collections.abc import Sequence

from mypy_extensions import mypyc_attr

from scoreserve.errors import ReplyError
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.telemetry.records import NO_BATCH
from scoreserve.wire import Chunk, Job, Outcome


@mypyc_attr(allow_interpreted_subclasses=True)
class QueuedJob(Job):
    """One request to score. Subclasses say who waits for its outcome, see `tell`.

    `head` is the encoded request head, `chunks` the body as received (let go as soon as it cannot
    be needed again), `id` the dispatcher's number for it. `awaited`: someone waits for its outcome
    still. When the outcome is streamed, `stream` brings its body. `batch`: with whom its run() was
    shared, where that is noted (see `Dispatcher.notes_batches`).
    """

    __slots__ = (
        "alone",
        "awaited",
        "batch",
        "held_bytes",
        "queued_at",
        "request_id",
        "sent",
        "stream",
    )

    def __init__(self, head: bytes, chunks: Sequence[Chunk], request_id: bytes = b"") -> None:
        super().__init__(0, head, chunks)
        self.request_id = request_id
        self.awaited = True
        self.sent = False
        self.alone = False  # it may be the one that a worker died of: it is merged with no other
        self.queued_at = 0.0
        self.batch = NO_BATCH
        self.held_bytes = 0  # of the body, in the budget of all bodies
        self.stream: BodyStream | None = None

    def finish(self, outcome: Outcome | ReplyError, seconds: float) -> None:
        """Gives the worker's outcome, or the error that stands for it, to whoever waits for it
        still, with the seconds since the job was queued.
        """
        if self.awaited:
            self.awaited = False
            self.tell(outcome, seconds)

    def forget(self) -> None:
        """Nobody waits for its outcome any more."""
        self.awaited = False

    def let_go(self) -> int:
        """Its body cannot be needed again: the bytes to give back to the budget."""
        held, self.held_bytes = self.held_bytes, 0
        self.chunks = ()
        return held

    def break_off(self) -> None:
        """Its outcome could not be given: whoever waits for it is to see that none will come."""

    def tell(self, outcome: Outcome | ReplyError, seconds: float) -> None:
        """The outcome is there; called once at most."""
