"""One scoring worker as the front sees it: a process, its pipe, and what became of them."""

from __future__ import annotations

import asyncio
import contextlib
import enum
import logging
import math
import signal
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from scoreserve import wire
from scoreserve.cgroup import OomWatch
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.processes.child import Launch, spawn_worker
from scoreserve.front.queue.dispatcher import Batching
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.workers import cpu_policy
from scoreserve.front.workers.exit_reasons import End, Exceeded, end_of
from scoreserve.front.workers.large_writes import LargeWrites
from scoreserve.front.workers.snapshot import BUSY, READY, STARTING, STOPPING
from scoreserve.front.workers.worker_pipe import WorkerPipe
from scoreserve.pipes import pipe
from scoreserve.start_failure import StartFailure
from scoreserve.wire import Outcome
from scoreserve.worker_setup import TrialResult

_log = logging.getLogger("azmlinfsrv")

# How long a worker may take to be gone once it said that it cannot serve, or closed its end:
# threads of the script can hold up a Python process for ever.
_EXIT_GRACE_SECONDS = 0.5
# How long a worker that leaves may take for its atexit handlers and threads, unless it is told.
_LEAVE_SECONDS = 5.0

# After which what the event loop was given to write is written.
_WRITTEN_SECONDS = 0.01
_LOOK_SECONDS = 0.01  # at which process it is, where that is not known yet


class Script(NamedTuple):
    """What the front knows of the entry script: `swagger` holds documents by version, of which the
    user wrote those of `own_swagger`; `samples` the bodies of sample requests by the names of their
    files; `tensors` describes the model in V2; `model` is what is served without a script.
    """

    raw: bool = False  # run() takes any method, since it gets the request itself
    batching: Batching = Batching()
    swagger: Mapping[str, Any] = {}
    own_swagger: Collection[str] = ()
    samples: Mapping[str, Any] = {}
    tensors: Mapping[str, Any] = {}
    model: Mapping[str, Any] | None = None


class State(enum.Enum):
    """A worker's life, in order."""

    STARTING = "starting"
    READY = "ready"
    GONE = "gone"


class WorkerEvents(Protocol):
    """Who is told what becomes of a worker."""

    def worker_ready(self, worker: WorkerProcess) -> None: ...

    def worker_running(self, worker: WorkerProcess, job_ids: Sequence[int]) -> None: ...

    def worker_returned(self, worker: WorkerProcess, job_ids: Sequence[int]) -> None: ...

    def worker_outcomes(self, worker: WorkerProcess, outcomes: Sequence[Outcome]) -> None: ...

    def worker_stream_ended(self, worker: WorkerProcess, job_id: int, seconds: float) -> None: ...

    def worker_batch_counts(self, worker: WorkerProcess, counts: dict[str, Any]) -> None: ...

    def worker_report(self, payload: bytes) -> None: ...

    def worker_tried(self, worker: WorkerProcess, result: TrialResult) -> None: ...

    def worker_ending(self, worker: WorkerProcess) -> None:
        """It takes no more jobs: its process has ended, or its end of the pipe is closed."""

    def worker_gone(self, worker: WorkerProcess) -> None:
        """The process has ended and everything it wrote has been read."""


class WorkerProcess:
    """A worker process from its start to its end. `setup` is what it is told first (WorkerSetup);
    `launch` starts it.

    It is GONE when the process has been waited for and its pipe is drained: the first alone may
    leave outcomes unread, the second alone an exit status unknown.

    `generation` tells which state of the script it has loaded: that after so many reloads.
    """

    def __init__(  # noqa: PLR0913 - what it is told and started by is given
        self,
        events: WorkerEvents,
        setup: bytes,
        oom: OomWatch,
        generation: int = 0,
        leave_seconds: float = _LEAVE_SECONDS,
        *,
        launch: Launch = spawn_worker,
        index: int = 0,
    ) -> None:
        self.state = State.STARTING
        self.stage = "starting a process"
        self.stage_since = time.monotonic()
        self.script = Script()
        self.started = time.monotonic()
        self.generation = generation
        self.index = index
        self.retiring = False
        self.stopping = False
        self.exit_code: int | None = None
        self.boot_failed = False
        self.start_failure: StartFailure | None = None  # that it has told of
        self.killed_for: Exceeded | None = None
        self.end: End | None = None  # once it is GONE
        self.busy_since: float | None = None  # when the job it is running began
        self.answered = 0  # jobs, since it was started
        self._in_flight = 0
        self._leave_seconds = leave_seconds
        self._events = events
        self._setup = setup
        self._oom = oom
        self._oom_mark = oom.mark()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pipe = WorkerPipe(self)
        self._pipe_closed = False
        self._streams: dict[int, tuple[BodyStream, float]] = {}  # and when each began
        their_source, self._sink = pipe()
        self._source, their_sink = pipe()
        self._process = launch(their_source, their_sink)
        self.to_be_forked = self._process.is_forked  # whatever the template makes of it
        if self.pid:
            cpu_policy.drop_inherited(self.pid)

    @property
    def stream(self) -> BodyStream | None:
        """The body that it is sending, at the pace of the client."""
        for stream, _ in self._streams.values():
            return stream
        return None

    @property
    def state_shown(self) -> str:
        """Its state, as health and metrics tell it."""
        if self.retiring or self.stopping or self._pipe_closed:
            return STOPPING
        if self.state is State.STARTING:
            return STARTING
        return READY if self.busy_since is None else BUSY

    @property
    def pid(self) -> int:
        """0 until it is known: a moment, where it is forked."""
        return self._process.pid

    @property
    def is_forked(self) -> bool:
        """Whether it shares the memory of a template."""
        return self._process.is_forked

    async def connect(self) -> None:
        """Starts talking to the process, on the running event loop. One that cannot be talked to is
        ended, and told to be gone as if it could not start.
        """
        self._loop = asyncio.get_running_loop()
        try:
            await self._connect(self._loop)
        except (OSError, RuntimeError) as error:  # no descriptor, memory or thread to be had
            _log.error("The scoring worker with pid %d cannot be talked to: %s", self.pid, error)
            self._pipe_closed = self.boot_failed = True
            self._pipe.close()
            self.kill()
            # Its template tells which one it is, on this event loop, and threads may wait for that.
            while not self._process.is_known:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
            self._process.wait()
            self.exit_code = self._process.reap()
            self._gone()

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> None:
        sink, _ = await loop.connect_write_pipe(LargeWrites, self._sink)
        self._pipe.open(sink)
        await loop.connect_read_pipe(lambda: self._pipe, self._source)
        self._pipe.send_setup(self._setup)
        threading.Thread(target=self._wait, args=(self._exited,), daemon=True).start()

    def send(self, jobs: Sequence[QueuedJob]) -> None:
        """Hands jobs to the worker."""
        if not self._in_flight:
            self.busy_since = time.monotonic()
        self._in_flight += len(jobs)
        self._pipe.send(jobs)

    def open_stream(self, job_id: int) -> BodyStream:
        """The body of a streamed outcome."""
        request = self._pipe.send_stream_request
        stream = BodyStream(
            more=lambda: request(wire.MORE, job_id), stop=lambda: self._stop_stream(job_id)
        )
        self._streams[job_id] = (stream, time.monotonic())
        return stream

    def _stop_stream(self, job_id: int) -> None:
        self._pipe.send_stream_request(wire.STOP, job_id)
        assert self._loop is not None
        self._loop.call_later(_WRITTEN_SECONDS, self.point_to_stop)

    def point_to_stop(self) -> None:
        """Has the worker look for what was sent, though the script is at a chunk of a stream."""
        if self.exit_code is None and self._streams:
            self._process.signal(signal.SIGURG)

    def stop(self, seconds: float = _LEAVE_SECONDS) -> None:
        """Asks the process to leave: an idle one does at once. It has `seconds` for its atexit
        handlers and threads.
        """
        self.stopping = True
        self._pipe.send_leave(math.ceil(seconds))
        self._pipe.close()

    def retire(self) -> None:
        """Lets the worker leave once what it has in hand is done. It gets no more jobs."""
        self.retiring = True
        if self.state is State.STARTING:
            self.stopping = True
            self.kill()
        elif not self._in_flight:
            self._leave()

    def kill(self) -> None:
        """Ends the process and whatever the script started in its process group."""
        if self.exit_code is None:
            self._process.kill_group()

    def kill_for(self, limit: Exceeded) -> None:
        """Ends a process that hangs, with a dump of its stacks; its job ends with the error."""
        self.killed_for = limit
        self._process.signal(signal.SIGABRT)  # faulthandler writes the stacks, even from C code
        self._kill_later()

    # What the pipe reports.

    def on_stage(self, text: str) -> None:
        self.stage = text
        self.stage_since = time.monotonic()

    def on_ready(self, info: dict[str, Any]) -> None:
        self.state = State.READY
        self.stage = "ready"
        self.script = Script(
            raw=bool(info["raw"]),
            batching=_batching(info["batching"]),
            swagger=info["swagger"],
            own_swagger=info["own_swagger"],
            samples=info["samples"],
            tensors=info["tensors"],
            model=info["model"],
        )
        self._events.worker_ready(self)

    def on_boot_failed(self, why: bytes) -> None:
        self.boot_failed = True
        self.start_failure = StartFailure.from_json(why)
        self._kill_later()

    def on_running(self, job_ids: Sequence[int]) -> None:
        self.busy_since = time.monotonic()  # whatever it did since it was handed them
        self._events.worker_running(self, job_ids)

    def on_returned(self, job_ids: Sequence[int]) -> None:
        self._in_flight -= len(job_ids)
        self._events.worker_returned(self, job_ids)

    def on_batch_counts(self, counts: dict[str, Any]) -> None:
        self._events.worker_batch_counts(self, counts)

    def on_report(self, payload: bytes) -> None:
        self._events.worker_report(payload)

    def on_tried(self, payload: bytes) -> None:
        self._events.worker_tried(self, TrialResult.from_json(payload))

    def on_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        self._answered(wire.count_whole(outcomes))
        self._events.worker_outcomes(self, outcomes)

    def on_chunk(self, job_id: int, chunk: bytes) -> None:
        if job_id in self._streams:
            self._streams[job_id][0].feed(chunk)

    def on_stream_end(self, job_id: int, *, complete: bool) -> None:
        if job_id in self._streams:
            stream, started = self._streams.pop(job_id)
            stream.end(complete=complete)
            self._answered(1)
            self._events.worker_stream_ended(self, job_id, time.monotonic() - started)

    def _answered(self, jobs: int) -> None:
        self._in_flight -= jobs
        self.answered += jobs
        self.busy_since = time.monotonic() if self._in_flight else None
        if self.retiring and not self._in_flight:
            self._leave()

    def _leave(self) -> None:
        self.stop(self._leave_seconds)
        assert self._loop is not None
        self._loop.call_later(self._leave_seconds, self._kill_if_alive)

    def on_closed(self) -> None:
        self._pipe_closed = True
        if self.exit_code is not None:
            self._gone()
            return
        self._events.worker_ending(self)
        if not self.stopping:
            self._kill_later()

    # What the waiting thread reports.

    def _wait(self, report: Callable[[], None]) -> None:
        self._process.wait()
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
            self._loop.call_soon_threadsafe(report)

    def _exited(self) -> None:
        self.kill()  # what the script started must not outlive it
        self.exit_code = self._process.reap()
        if self._pipe_closed:
            self._gone()
            return
        self._events.worker_ending(self)
        if self._loop is not None:
            # A child that left the process group may hold the other end open for ever.
            self._loop.call_later(_EXIT_GRACE_SECONDS, self._pipe.close)

    def _gone(self) -> None:
        if self.state is not State.GONE:
            self.state = State.GONE
            self.end = self._how_it_ended()
            self._events.worker_gone(self)

    def _how_it_ended(self) -> End:
        assert self.exit_code is not None
        killed = self.exit_code == -signal.SIGKILL
        return end_of(
            self.exit_code,
            exceeded=self.killed_for,
            boot_failed=self.boot_failed,
            out_of_memory=self._oom.claim(self._oom_mark) if killed else False,
        )

    def _kill_later(self) -> None:
        assert self._loop is not None
        self._loop.call_later(_EXIT_GRACE_SECONDS, self._kill_if_alive)

    def _kill_if_alive(self) -> None:
        if self.exit_code is None:
            self.kill()


def _batching(told: Mapping[str, Any]) -> Batching:
    return Batching(
        int(told["jobs"]), float(told["wait_seconds"]), str(told["off"]), str(told["way"])
    )
