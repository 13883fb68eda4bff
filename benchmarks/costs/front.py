"""A front without sockets or processes, and what its parts cost."""

from __future__ import annotations

import asyncio
import io
import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from benchmarks.costs.timing import Clock, Cost
from scoreserve import wire
from scoreserve.errors import NotReady
from scoreserve.front.assembly import assemble
from scoreserve.front.http.connection import HttpConnection
from scoreserve.front.http.fast_path import render
from scoreserve.front.http.score_exchange import ConnectionState, ScoreExchange
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.messages.request_ids import new_id
from scoreserve.front.observe.access_log import AccessLog, host_of
from scoreserve.front.queue.dispatcher import Batching
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.snapshot import WorkersSnapshot
from scoreserve.front.workers.worker_pipe import WorkerPipe
from scoreserve.front.workers.worker_process import Script
from scoreserve.settings import Settings
from scoreserve.wire import Outcome

_BODY = b'{"data": [[' + b", ".join([b"0.0625"] * 64) + b"]]}"
_REQUEST = (
    b"POST /score HTTP/1.1\r\nHost: 127.0.0.1:5001\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY
_OUTCOME_HEAD = b"content-type: application/json\r\nx-ms-run-function-failed: False\r\n"
_RUN_SECONDS = 0.000123
_DEFAULT_HEADERS = [(b"date", b"Sat, 21 Nov 2026 12:00:00 GMT")]


class _Nowhere(io.StringIO):
    """What is logged is thrown away."""

    def write(self, text: str) -> int:
        return len(text)


class _Transport(asyncio.Transport):
    """A connection whose other end is nobody."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 5001)})
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written = [data]

    def is_closing(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0


class _Answering:
    """Answers all it is handed when it is told to, through the pipe that a real one uses."""

    def __init__(self, dispatcher: DispatchLoop) -> None:
        self._dispatcher = dispatcher
        self._jobs: list[QueuedJob] = []
        self._pipe = WorkerPipe(cast("Any", self))
        self._pipe.open(_Transport())

    def send(self, jobs: Sequence[QueuedJob]) -> None:
        self._jobs += jobs
        self._pipe.send(jobs)

    def open_stream(self, job_id: int) -> BodyStream:
        raise NotImplementedError

    def answer(self) -> None:
        jobs, self._jobs = self._jobs, []
        if jobs:
            self._pipe.data_received(b"".join(wire.encode_outcomes(_outcomes(jobs))))

    def on_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        self._dispatcher.complete(self, outcomes)


class _Workers:
    """The workers as a front sees them that are always ready."""

    script = Script()

    def not_ready(self) -> NotReady | None:
        return None

    never_ready = not_ready

    def snapshot(self) -> WorkersSnapshot:
        raise NotImplementedError


class _Front:
    """The front, over a worker and clients that are none."""

    def __init__(self, clients: int) -> None:
        self._deferred: deque[Callable[[], None]] = deque()
        self.dispatcher = DispatchLoop(self._deferred.append)
        self.dispatcher.batching = Batching(clients)
        for name in ("azmlinfsrv", "gunicorn.access"):
            logging.getLogger(name).setLevel(logging.INFO)
        self.log = AccessLog(lambda seconds, run: None, stream=_Nowhere())
        self.parts = assemble(Settings(), _Workers(), self.dispatcher, self.log, 1 << 14)
        self.worker = _Answering(self.dispatcher)
        self.dispatcher.attach(self.worker)
        self._config = uvicorn.Config(
            cast("Any", self.parts.app), log_config=None, lifespan="off", ws="none"
        )
        self._config.load()
        state = ServerState()
        state.default_headers = _DEFAULT_HEADERS
        self.connections = [self._connection(state) for _ in range(clients)]

    def _connection(self, state: ServerState) -> HttpConnection:
        protocol = self.parts.connection(self._config, state, {}, asyncio.get_running_loop())
        protocol.connection_made(_Transport())
        return protocol

    def turn(self) -> None:
        """Each client's request, and its answer."""
        for connection in self.connections:
            connection.data_received(_REQUEST)
        self._run_deferred()
        self.worker.answer()
        self._run_deferred()

    def _run_deferred(self) -> None:
        while self._deferred:
            self._deferred.popleft()()


def _outcomes(jobs: Sequence[QueuedJob]) -> list[Outcome]:
    return [Outcome(job.id, 200, _OUTCOME_HEAD, b"[3]", _RUN_SECONDS, wire.RAN) for job in jobs]


def _parts(front: _Front) -> dict[str, tuple[Callable[[], object], int]]:
    """What to call for each part, and for how many requests a call of it is."""
    fast_path, client = front.parts.fast_path, b"127.0.0.1:50000"
    head = fast_path.head_cache.find(_REQUEST)
    assert head is not None
    body = _REQUEST[len(head.block) :]
    request_id, common = front.parts.replies.common(head)
    host = host_of(client)
    before, after = head.around_client
    block = before + client + after + request_id
    outcome = Outcome(1, 200, _OUTCOME_HEAD, b"[3]", _RUN_SECONDS, wire.RAN)
    reply = front.parts.replies.outcome(common, outcome, 0.0005)
    jobs = [QueuedJob(block, [body], request_id) for _ in front.connections]
    frame = b"".join(wire.encode_outcomes(_outcomes(jobs)))
    size, many = len(frame) - wire.PREFIX_BYTES, len(jobs)
    state = ConnectionState(front.connections[0], ServerState(), fast_path)
    cycle = partial(ScoreExchange, state, fast_path, head, keep_alive=True, expects_continue=False)
    every = fast_path.default_lines.of(_DEFAULT_HEADERS)
    return {
        "find the known head": (lambda: fast_path.head_cache.find(_REQUEST), 1),
        "the cycle object": (cycle, 1),
        "the id": (new_id, 1),
        "wire: jobs": (lambda: b"".join(wire.encode_jobs(jobs)), many),
        "wire: outcomes": (
            lambda: wire.decode_outcomes(frame, wire.PREFIX_BYTES, size, many),
            many,
        ),
        "the reply's head": (lambda: front.parts.replies.outcome(common, outcome, 0.0005), 1),
        "the response's bytes": (lambda: render(reply, every, reply.body, keep_alive=True), 1),
        "two log lines": (
            lambda: front.log.record(head, reply, 0.0005, api=True, host=host),
            1,
        ),
        "metrics": (lambda: front.parts.fast_path.counters.answered(b"POST", reply, len(body)), 1),
    }


async def cost(clock: Clock, clients: int) -> Cost:
    """What a request costs while so many clients ask at once."""
    front = _Front(clients)
    front.turn()
    jobs = [QueuedJob(b"", [])] * clients
    answering = clock.microseconds(lambda: b"".join(wire.encode_outcomes(_outcomes(jobs))), clients)
    whole = clock.microseconds(front.turn, clients) - answering  # which is the worker's
    parts = {name: clock.microseconds(*part) for name, part in _parts(front).items()}
    return Cost(f"front, {clients} clients", whole, parts)
