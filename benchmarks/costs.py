"""What a score request costs our Python, in the front and in a worker, and each part by itself.

    python -m benchmarks.costs                       the tree it is started in
    python -m benchmarks.costs --clients 16

A front without sockets or processes: requests are handed to the connections as an event loop would
hand them over, a worker that is no process answers at once with what a real one would, and what is
written is thrown away. So neither the kernel nor the machine's other work is in the figures, and
two trees can be told apart by a tenth of a microsecond. What the kernel takes comes on top, see
"What a request costs" in README.md.

The worker is one that merges, with a run() that sums the numbers of each row. Its frames come from
a list, and what it sends is thrown away.

The parts are called by themselves with the same arguments. `the rest` is what calls them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import io
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast

import uvicorn
from uvicorn.server import ServerState

from scoreserve import wire
from scoreserve.front.access_log import AccessLog
from scoreserve.front.body_stream import BodyStream
from scoreserve.front.channel import WorkerChannel
from scoreserve.front.clients import Clients, Patience
from scoreserve.front.dispatcher import Batching, Dispatcher
from scoreserve.front.draining import Draining
from scoreserve.front.http_protocol import HttpProtocol
from scoreserve.front.ids import new_id
from scoreserve.front.job import Job
from scoreserve.front.metrics import Metrics
from scoreserve.front.replies import Replies, Reply
from scoreserve.front.scoring import Scoring
from scoreserve.front.short_road import ScoreCycle, ShortRoad, render
from scoreserve.settings import Settings
from scoreserve.wire import Outcome, RequestHead
from scoreserve.worker import script_json
from scoreserve.worker.batcher import CONTROL_ROWS, Batcher
from scoreserve.worker.calling import Call, convention_of
from scoreserve.worker.channel import Frame
from scoreserve.worker.scorer import Scorer
from scoreserve.worker.serving import Serving

_ROUNDS = 40
_ROUND_SECONDS = 0.03

_BODY = b'{"data": [[' + b", ".join([b"0.0625"] * 64) + b"]]}"
_REQUEST = (
    b"POST /score HTTP/1.1\r\nHost: 127.0.0.1:5001\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_BODY)
) + _BODY
_HEAD = wire.encode_head(
    RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"127.0.0.1:50000", ()), b"0" * 36
)
_OUTCOME_HEAD = b"content-type: application/json\r\nx-ms-run-function-failed: False\r\n"
_RUN_SECONDS = 0.000123


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
    """Answers all it is handed when it is told to, through the channel that a real one uses."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._jobs: list[Job] = []
        self._channel = WorkerChannel(cast("Any", self))
        self._channel.connection_made(_Transport())

    def send(self, jobs: Sequence[Job]) -> None:
        self._jobs += jobs
        self._channel.send(jobs)

    def open_stream(self, job_id: int) -> BodyStream:
        raise NotImplementedError

    def answer(self) -> None:
        jobs, self._jobs = self._jobs, []
        if jobs:
            self._channel.data_received(b"".join(wire.encode_outcomes(_outcomes(jobs))))

    def on_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        self._dispatcher.complete(self, outcomes)


class _Front:
    """The parts of a front that a score request goes through, put together as the real one's."""

    def __init__(self, clients: int) -> None:
        self._deferred: deque[Callable[[], None]] = deque()
        self.dispatcher = Dispatcher(self._deferred.append)
        self.dispatcher.batching = Batching(clients)
        self.replies = Replies("scoreserve/0")
        metrics = Metrics()
        scoring = Scoring(self.dispatcher, self.replies, lambda: None, metrics=metrics)
        for name in ("azmlinfsrv", "gunicorn.access"):
            logging.getLogger(name).setLevel(logging.INFO)
        self.log = AccessLog(lambda seconds, run: None, stream=_Nowhere())
        self.counters = metrics.route("/score")
        self.road = ShortRoad(scoring, 1 << 30, self.log, self.counters)
        self.worker = _Answering(self.dispatcher)
        self.dispatcher.attach(self.worker)
        self._config = uvicorn.Config(
            cast("Any", _no_app), log_config=None, lifespan="off", ws="none"
        )
        self._config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Sat, 21 Nov 2026 12:00:00 GMT")]
        guests = Clients(clients + 1, Patience(5.0, 5.0, 5.0), Draining(), metrics.refused)
        self.connections = [self._connection(state, guests) for _ in range(clients)]

    def _connection(self, state: ServerState, guests: Clients) -> HttpProtocol:
        protocol = HttpProtocol(
            self._config,
            state,
            {},
            asyncio.get_running_loop(),
            clients=guests,
            short_road=self.road,
        )
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


async def _no_app(scope: Any, receive: Any, send: Any) -> None:
    """What is not scored has an application of its own."""


def _outcomes(jobs: Sequence[Job]) -> list[Outcome]:
    return [Outcome(job.id, 200, _OUTCOME_HEAD, b"[3]", _RUN_SECONDS, wire.RAN) for job in jobs]


def microseconds(function: Callable[[], object], calls: int = 1) -> float:
    """CPU time of one of the `calls` that `function` makes, in the quickest round."""
    return min(_rounds(function, calls)) * 1e6


def _rounds(function: Callable[[], object], calls: int) -> Iterator[float]:
    function()
    for _ in range(_ROUNDS):
        done = 0
        started = time.process_time()
        while (seconds := time.process_time() - started) < _ROUND_SECONDS:
            for _ in range(16):
                function()
            done += 16
        yield seconds / done / calls


def _parts(front: _Front) -> dict[str, tuple[Callable[[], object], int]]:
    """What to call for each part, and for how many requests a call of it is."""
    connection, road = front.connections[0], front.road
    found = road.known_heads.find(_REQUEST)
    assert found is not None
    head, body = found
    request_id, common = front.replies.common(head)
    before, after = head.around_client
    block = before + connection.peer + after + request_id
    outcome = Outcome(1, 200, _OUTCOME_HEAD, b"[3]", _RUN_SECONDS, wire.RAN)
    reply: Reply = front.replies.outcome(common, outcome, 0.0005)
    jobs = [Job(block, [body], lambda outcome: None, request_id) for _ in front.connections]
    records = [(number, job.head, job.chunks) for number, job in enumerate(jobs)]
    frame = b"".join(wire.encode_outcomes(_outcomes(jobs)))
    size, many = len(frame) - wire.PREFIX_BYTES, len(jobs)
    cycle = partial(ScoreCycle, connection, road, head, keep_alive=True, expects_continue=False)
    every = road.default_lines.of(connection.server_state.default_headers)
    return {
        "find the known head": (lambda: road.known_heads.find(_REQUEST), 1),
        "the cycle object": (cycle, 1),
        "the id": (new_id, 1),
        "wire: jobs": (lambda: b"".join(wire.encode_jobs(records)), many),
        "wire: outcomes": (
            lambda: wire.decode_outcomes(frame, wire.PREFIX_BYTES, size, many),
            many,
        ),
        "the reply's head": (lambda: front.replies.outcome(common, outcome, 0.0005), 1),
        "the response's bytes": (lambda: render(reply, every, keep_alive=True) + reply.body, 1),
        "two log lines": (
            lambda: front.log.record(head, reply, 0.0005, api=True, client=connection.peer),
            1,
        ),
        "metrics": (lambda: front.counters.answered(b"POST", reply, len(body)), 1),
    }


class _Frames:
    """A worker's channel: gives the same frame so many times, and takes what is sent."""

    def __init__(self, frame: Frame) -> None:
        self.times = 0
        self._frame = frame

    def receive(self) -> Frame | None:
        self.times -= 1
        return self._frame if self.times >= 0 else None

    def send(self, buffers: list[bytes]) -> None:
        b"".join(buffers)


class _Worker:
    """A worker that merges, and a frame for it with a job of each of so many clients."""

    def __init__(self, clients: int) -> None:
        settings = Settings(max_batch_size=clients + CONTROL_ROWS)
        convention = convention_of(_run)
        self.scorer = Scorer(_run, convention, settings)
        batcher = Batcher(self.scorer, settings.max_batch_size, convention.text_parameter)
        records = [(number, _HEAD, [_body(number)]) for number in range(clients)]
        self.frame = memoryview(b"".join(wire.encode_jobs(records))[wire.PREFIX_BYTES :])
        self.jobs = clients
        frames = _Frames(Frame(wire.JOBS, clients, self.frame))
        self._frames = frames
        self._serving = Serving(cast("Any", frames), self.scorer, batcher)

    def turn(self) -> None:
        """A frame read, scored and answered."""
        self._frames.times = 1
        self._serving.run()

    def read(self) -> list[Call | Outcome]:
        """The calls of the frame."""
        return self.scorer.read(wire.decode_jobs(self.frame, self.jobs))


def _body(number: int) -> bytes:
    return json.dumps({"data": [[number + place / 64 for place in range(64)]]}).encode()


def _run(raw_data: str) -> list[float]:
    return [sum(row) for row in json.loads(raw_data)["data"]]


def _show(title: str, whole: float, parts: dict[str, float]) -> None:
    print(title)
    print(f"  {'all':24}{whole:6.2f}")
    for name, cost in parts.items():
        print(f"  {name:24}{cost:6.2f}")
    print(f"  {'the rest':24}{whole - sum(parts.values()):6.2f}")


async def _measure_front(clients: int) -> None:
    front = _Front(clients)
    front.turn()
    jobs = [Job(b"", [], lambda outcome: None)] * clients
    answering = microseconds(lambda: b"".join(wire.encode_outcomes(_outcomes(jobs))), clients)
    whole = microseconds(front.turn, clients) - answering  # which is the worker's
    parts = {
        name: microseconds(function, calls) for name, (function, calls) in _parts(front).items()
    }
    _show(f"front, {clients} clients, µs of CPU time a request", whole, parts)


def _measure_worker(clients: int) -> None:
    script_json.install()
    worker = _Worker(clients)
    for _ in range(50):  # until it merges
        worker.turn()
    text = json.dumps({"data": [json.loads(_body(number))["data"][0] for number in range(clients)]})
    outcomes = [
        Outcome(number, 200, _OUTCOME_HEAD, b"[3]", 0.001, wire.RAN) for number in range(clients)
    ]
    parts = {
        "reading the jobs": microseconds(worker.read, clients),
        "run() itself": microseconds(lambda: _run(text), clients),
        "wire: outcomes": microseconds(lambda: b"".join(wire.encode_outcomes(outcomes)), clients),
    }
    _show(f"worker, {clients} jobs merged", microseconds(worker.turn, clients), parts)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=62, help="that ask at once (62)")
    clients = parser.parse_args().clients
    gc.disable()  # which else comes at any time; the front lets it come seldom
    asyncio.run(_measure_front(clients))
    _measure_worker(clients)


if __name__ == "__main__":
    main()
