"""The worker's main loop: takes frames, scores their jobs in order, sends what comes of each.

A body that is streamed takes as long as its client likes. So jobs that wait behind it are returned
to the front, which may have another worker for them. Where its client leaves while the script makes
the next chunk, SIGURG has the worker look for the frame that says so, and the generator is ended.
That signal does nothing to a process that has no handler for it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import FrameType
from typing import Any, Protocol

import orjson

from scoreserve import wire
from scoreserve.errors import InternalError, ResultUnusable
from scoreserve.wire import Outcome
from scoreserve.worker.front_pipe import Frame
from scoreserve.worker.script import results
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.responses import StreamedOutcome
from scoreserve.worker.script.script_runner import Begin, Reports, Result, ScriptRunner, about

_log = logging.getLogger("azmlinfsrv")


class StreamStopped(BaseException):
    """Nobody wants the rest of the body that the script is making."""


class Frames(Protocol):
    """Where frames come from, and go to: see FrontPipe."""

    def receive(self) -> Frame | None: ...

    def has_more(self) -> bool: ...

    def send(self, buffers: list[bytes]) -> None: ...


class GroupRunner(Protocol):
    """Scores the calls of one frame together."""

    def score(self, calls: Sequence[Call | Outcome], begin: Begin) -> Iterable[list[Result]]:
        """The outcomes of all calls, each once, in any order: together what one run() gave.

        `begin` is told which calls share a run(), before it begins.
        """

    def report(self) -> dict[str, Any] | None:
        """What is new since the last report, see BatchCounts; None: nothing."""


class WorkerLoop:
    """Serves one front over `pipe` until it closes its end. `together` scores the calls of a
    frame; without, they are scored one by one. What is in `reports`, if anything is reported, is
    sent before what it is about.
    """

    def __init__(
        self,
        pipe: Frames,
        runner: ScriptRunner,
        together: GroupRunner | None = None,
        reports: Reports | None = None,
    ) -> None:
        self._pipe = pipe
        self._runner = runner
        self._together = together
        self._reports = reports
        self._calls: deque[Call | Outcome] = deque()
        self._handed = 0  # calls that are being scored together
        self._comparing = False
        self._making = -1  # the job for which the script is making a chunk
        self.leave_seconds = 0  # that the process has to end in, once it was asked to leave

    def run(self, between: Callable[[], None] | None = None) -> None:
        """Returns when the front has asked it to leave, or closed its end. `between` is called
        while no call is in hand, after each frame of them.
        """
        self._send_news()
        while (frame := self._pipe.receive()) is not None:
            if frame.kind == wire.LEAVE:
                self.leave_seconds = frame.records
                self._send_news()
                return
            self._take(frame)
            del frame  # frees the bytes of a large body before run() makes its own copies
            while self._calls:  # others may come while a body is streamed
                if self._together is None:
                    self._answer(self._calls.popleft())
                    continue
                calls = list(self._calls)
                self._calls.clear()
                self._handed = len(calls)
                self._send_together(self._together.score(calls, self._begin))
                self._send_news()
            if between is not None:
                between()

    def _take(self, frame: Frame) -> None:
        if frame.kind == wire.JOBS:
            self._calls.extend(self._runner.read(wire.decode_jobs(frame.payload, frame.records)))
            if frame.refused:
                _log.error("There is no memory for the body of the request")
                self._calls.extend(
                    [results.failure(job_id, InternalError()) for job_id in frame.refused]
                )
        elif frame.kind == wire.LEAVE:
            raise ConnectionResetError("the front wants no more of this body")
        elif frame.kind != wire.STOP:  # which may come for a stream that has just ended
            raise wire.FrameError(f"the front does not send frames of kind {frame.kind} now")

    def _send_together(self, results: Iterable[list[Result]]) -> None:
        """Sends outcomes in groups as they are there: those of one call of run() in one write."""
        for group in results:
            whole = [outcome for outcome in group if isinstance(outcome, Outcome)]
            if whole:
                # The news first: who has an answer finds it counted.
                self._pipe.send([*self._news(), *wire.encode_outcomes(whole)])
            for outcome in group:
                if isinstance(outcome, StreamedOutcome):
                    self._send(outcome)

    def _begin(self, calls: Sequence[Call]) -> None:
        """Tells the front what begins, unless that is all it sent, which it takes for granted."""
        if len(calls) == self._handed and not self._comparing:
            return
        self._comparing = not calls
        self._pipe.send([wire.about_jobs(wire.RUNNING, [call.job_id for call in calls])])

    def _send_news(self) -> None:
        if news := self._news():
            self._pipe.send(news)

    def _news(self) -> list[bytes]:
        frames = self._reported()
        news = self._together.report() if self._together is not None else None
        if news:
            frames.append(wire.frame(wire.BATCH_COUNTS, orjson.dumps(news)))
        return frames

    def _reported(self) -> list[bytes]:
        return self._reports.frames() if self._reports is not None else []

    def _answer(self, call: Call | Outcome) -> None:
        # Each outcome leaves as it is there: none may wait for a slow run() after it.
        self._send(call if isinstance(call, Outcome) else self._runner.score(call))

    def _send(self, outcome: Result) -> None:
        if isinstance(outcome, Outcome):
            frames = wire.encode_outcomes([outcome])
            self._pipe.send(frames if self._reports is None else [*self._reported(), *frames])
            return
        about(*outcome.scored)
        try:
            self._stream(outcome)
        finally:
            self._close(outcome)

    def _stream(self, outcome: StreamedOutcome) -> None:
        """Sends a response whose body the script is still to make.

        Status and headers go out with the first chunk, as gunicorn does it for the reference: a
        generator that fails at once is still a 500.
        """
        job_id = outcome.outcome.id
        try:
            chunk = next(outcome.chunks, None)
        except BaseException as error:
            _log.exception("The response body could not be made, %s", outcome.request)
            self._report_raised(outcome, error)
            failed = results.failure(job_id, ResultUnusable().with_cause(error))
            self._pipe.send([*self._reported(), *wire.encode_outcomes([failed])])
            return
        self._pipe.send([*self._reported(), *wire.encode_outcomes([outcome.outcome])])
        self._return_calls()
        complete = self._send_chunks(outcome, chunk)
        self._pipe.send([*self._reported(), wire.stream_end(job_id, complete=complete)])

    def _send_chunks(self, outcome: StreamedOutcome, chunk: bytes | None) -> bool:
        """False when the body broke off, or nobody wants the rest of it."""
        job_id = outcome.outcome.id
        while chunk is not None:
            if chunk:
                self._pipe.send([*self._reported(), wire.chunk(job_id, chunk)])
                if not self._more_wanted(job_id):
                    return False
            try:
                chunk = self._make_chunk(job_id, outcome.chunks)
            except StreamStopped:
                return False
            except BaseException as error:
                _log.exception("The response body broke off, %s", outcome.request)
                self._report_raised(outcome, error)
                return False
        return True

    def _report_raised(self, outcome: StreamedOutcome, error: BaseException) -> None:
        if self._reports is not None:
            self._reports.raised(outcome.scored, error)

    def _make_chunk(self, job_id: int, chunks: Iterator[bytes]) -> bytes | None:
        """The next chunk, or None at the end. Raises StreamStopped."""
        self._making = job_id
        try:
            return next(chunks, None)
        finally:
            self._making = -1

    def look_for_stop(self, number: int, frame: FrameType | None) -> None:
        """The handler of SIGURG. Raises StreamStopped into the script's generator where the front
        has said that nobody wants what it makes.
        """
        job_id = self._making
        while job_id >= 0 and self._pipe.has_more():
            received = self._pipe.receive()
            if received is None:
                return  # the front is gone, which the main loop finds out too
            if received.kind == wire.STOP and wire.read_stream_id(received.payload) == job_id:
                self._making = -1
                raise StreamStopped
            self._take(received)
            self._return_calls()

    def _return_calls(self) -> None:
        """Gives jobs that are not begun back to the front: a stream takes as long as its client
        likes.
        """
        if self._calls:
            ids = [call.id if isinstance(call, Outcome) else call.job_id for call in self._calls]
            self._calls.clear()
            self._pipe.send([wire.about_jobs(wire.RETURNED, ids)])

    def _more_wanted(self, job_id: int) -> bool:
        """Waits for the front to ask for the next chunk. Jobs that come meanwhile go back."""
        while (frame := self._pipe.receive()) is not None:
            if frame.kind == wire.MORE and wire.read_stream_id(frame.payload) == job_id:
                return True
            if frame.kind == wire.STOP and wire.read_stream_id(frame.payload) == job_id:
                return False
            self._take(frame)
            self._return_calls()
        raise ConnectionResetError("the front has closed its end")

    def _close(self, outcome: StreamedOutcome) -> None:
        try:
            outcome.close()
        except BaseException:
            _log.exception("The response body did not close, %s", outcome.request)
