"""A worker without a process of its own, and what its parts cost."""

from __future__ import annotations

import json

from benchmarks.costs.timing import Clock, Cost
from scoreserve import heads, wire
from scoreserve.heads import RequestHead
from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.front_pipe import Frame
from scoreserve.worker.main_loop import WorkerLoop
from scoreserve.worker.rows.batcher import Batcher
from scoreserve.worker.script import fast_json
from scoreserve.worker.script.calling import Call, convention_of
from scoreserve.worker.script.script_runner import ScriptRunner

_UNTIL_IT_MERGES = 50  # turns

_HEAD = heads.encode_head(
    RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"127.0.0.1:50000", ()), b"0" * 36
)


class _Frames:
    """A worker's pipe: gives the same frame so many times, and takes what is sent."""

    def __init__(self, frame: Frame) -> None:
        self.times = 0
        self._frame = frame

    def receive(self) -> Frame | None:
        self.times -= 1
        return self._frame if self.times >= 0 else None

    def has_more(self) -> bool:
        return False

    def send(self, buffers: list[bytes]) -> None:
        b"".join(buffers)


class _Worker:
    """A worker that merges, and a frame for it with a job of each of so many clients."""

    def __init__(self, clients: int) -> None:
        settings = Settings(max_batch_size=clients)
        convention = convention_of(_run)
        self.runner = ScriptRunner(_run, convention, settings)
        batcher = Batcher(self.runner, settings.max_batch_size, convention.text_parameter)
        records = [wire.Job(number, _HEAD, [_body(number)]) for number in range(clients)]
        self.frame = b"".join(wire.encode_jobs(records))[wire.PREFIX_BYTES :]
        self.jobs = clients
        frames = _Frames(Frame(wire.JOBS, clients, self.frame))
        self._frames = frames
        self._serving = WorkerLoop(frames, self.runner, batcher)

    def turn(self) -> None:
        """A frame read, scored and answered."""
        self._frames.times = 1
        self._serving.run()

    def read(self) -> list[Call | Outcome]:
        """The calls of the frame."""
        return self.runner.read(wire.decode_jobs(self.frame, self.jobs))


def _body(number: int) -> bytes:
    return json.dumps({"data": [[number + place / 64 for place in range(64)]]}).encode()


def _run(raw_data: str) -> list[float]:
    return [sum(row) for row in json.loads(raw_data)["data"]]


def cost(clock: Clock, clients: int) -> Cost:
    """What a request costs whose run() is shared by the requests of so many clients."""
    fast_json.install()
    worker = _Worker(clients)
    for _ in range(_UNTIL_IT_MERGES):
        worker.turn()
    rows = [json.loads(_body(number))["data"][0] for number in range(clients)]
    text = json.dumps({"data": rows})
    calls = [call for call in worker.read() if isinstance(call, Call)]
    results = [worker.runner.score(call) for call in calls]
    outcomes = [result for result in results if isinstance(result, Outcome)]
    parts = {
        "reading the jobs": worker.read,
        "run() itself": lambda: _run(text),
        "results to outcomes": lambda: [worker.runner.returned(call, [1.5], 0.1) for call in calls],
        "wire: outcomes": lambda: b"".join(wire.encode_outcomes(outcomes)),
    }
    costs = {name: clock.microseconds(part, clients) for name, part in parts.items()}
    return Cost(f"worker, {clients} jobs merged", clock.microseconds(worker.turn, clients), costs)
