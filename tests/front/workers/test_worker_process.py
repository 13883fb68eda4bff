"""A worker process as the front sees it, from its spawning to its end. The processes are real."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from scoreserve import heads, wire
from scoreserve.cgroup import Cgroup, OomWatch
from scoreserve.front.processes.child import Launch, spawn_worker
from scoreserve.front.processes.forked import ForkedProcess
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.workers.worker_process import WorkerProcess
from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker_setup import TrialResult, WorkerSetup
from tests.conftest import WriteFile
from tests.front.conftest import SetPolicy
from tests.front.fakes import request_head

DEADLINE_SECONDS = 30
SCRIPT = "def init(): pass\ndef run(data): return data\n"


class Events:
    """Waits for what becomes of a worker."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.ending = asyncio.Event()
        self.gone = asyncio.Event()
        self.outcomes: list[Outcome] = []

    def worker_ready(self, worker: WorkerProcess) -> None:
        self.ready.set()

    def worker_running(self, worker: WorkerProcess, job_ids: Sequence[int]) -> None: ...

    def worker_batch_counts(self, worker: WorkerProcess, counts: dict[str, Any]) -> None: ...

    def worker_report(self, payload: bytes) -> None: ...

    def worker_tried(self, worker: WorkerProcess, result: TrialResult) -> None: ...

    def worker_returned(self, worker: WorkerProcess, job_ids: Sequence[int]) -> None: ...

    def worker_outcomes(self, worker: WorkerProcess, outcomes: Sequence[Outcome]) -> None:
        self.outcomes += outcomes

    def worker_stream_ended(self, worker: WorkerProcess, job_id: int, seconds: float) -> None: ...

    def worker_ending(self, worker: WorkerProcess) -> None:
        self.ending.set()

    def worker_gone(self, worker: WorkerProcess) -> None:
        self.gone.set()


class Started:
    """A started worker around a script, in a cgroup whose counter the test sets."""

    def __init__(
        self, directory: Path, write_file: WriteFile, launch: Launch = spawn_worker
    ) -> None:
        self._write_file = write_file
        self.count_oom_kills(0)
        cgroup = Cgroup(directory / "cgroup", write_file("membership", "0::/\n"))
        settings = Settings(entry_script=str(directory / "score.py"), app_root=str(directory))
        self.events = Events()
        setup = WorkerSetup(settings).to_json()
        self.worker = WorkerProcess(self.events, setup, OomWatch(cgroup), launch=launch)

    def count_oom_kills(self, count: int) -> None:
        self._write_file("cgroup/memory.events", f"oom_kill {count}\n")

    async def ready(self) -> None:
        await self.worker.connect()
        await asyncio.wait_for(self.events.ready.wait(), DEADLINE_SECONDS)

    async def gone(self) -> None:
        await asyncio.wait_for(self.events.gone.wait(), DEADLINE_SECONDS)


@pytest.fixture
def start(tmp_path: Path, write_file: WriteFile) -> Callable[[], Started]:
    """Starts a worker, within a running event loop."""
    write_file("score.py", SCRIPT)
    return lambda: Started(tmp_path, write_file)


Start = Callable[[], Started]


@pytest.mark.parametrize(
    ("number", "kills", "reason"),
    [(signal.SIGKILL, 1, "oom"), (signal.SIGKILL, 0, "signal"), (signal.SIGTERM, 1, "signal")],
)
def test_a_kill_for_want_of_memory_is_known_by_the_counter(
    start: Start, number: signal.Signals, kills: int, reason: str
) -> None:
    async def scenario() -> None:
        started = start()
        await started.ready()
        assert (started.worker.end, started.worker.state_shown) == (None, "ready")
        started.count_oom_kills(kills)
        os.kill(started.worker.pid, number)
        await started.gone()
        assert started.worker.end is not None
        assert started.worker.end.reason == reason
        assert number.name in started.worker.end.text

    asyncio.run(scenario())


def test_one_that_closed_its_end_is_told_of_before_it_is_gone(
    start: Start, write_file: WriteFile
) -> None:
    async def scenario() -> None:
        hanging = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
        write_file("score.py", hanging + SCRIPT)
        started = start()
        await started.ready()
        # What the front never sends ends its main thread.
        started.worker._pipe.send_stream_request(wire.READY, 1)
        await asyncio.wait_for(started.events.ending.wait(), DEADLINE_SECONDS)
        assert not started.events.gone.is_set()
        assert started.worker.state_shown == "stopping"
        await started.gone()

    asyncio.run(scenario())


def test_it_does_not_yield_as_the_front_does(start: Start, set_policy: SetPolicy) -> None:
    async def scenario() -> None:
        set_policy(os.SCHED_BATCH)
        started = start()
        assert os.sched_getscheduler(started.worker.pid) == os.SCHED_OTHER
        await started.ready()
        started.worker.kill()
        await started.gone()

    asyncio.run(scenario())


def test_retired_while_idle_it_leaves_by_itself(start: Start) -> None:
    async def scenario() -> None:
        started = start()
        await started.ready()
        started.worker.retire()
        assert started.worker.state_shown == "stopping"
        await started.gone()
        assert started.worker.exit_code == 0

    asyncio.run(scenario())


def test_retired_while_busy_it_answers_first(start: Start) -> None:
    async def scenario() -> None:
        started = start()
        await started.ready()
        head = heads.encode_head(request_head())
        jobs = [QueuedJob(head, [b"data"]) for _ in range(2)]
        for number, job in enumerate(jobs):
            job.id = number
        started.worker.send(jobs)
        started.worker.retire()
        await started.gone()
        assert [outcome.body for outcome in started.events.outcomes] == [b'"data"'] * 2
        assert started.worker.exit_code == 0

    asyncio.run(scenario())


def test_retired_before_it_is_ready_it_is_ended(start: Start) -> None:
    async def scenario() -> None:
        started = start()
        await started.worker.connect()
        started.worker.retire()
        await started.gone()
        assert not started.events.ready.is_set()

    asyncio.run(scenario())


def test_a_forked_one_that_cannot_be_talked_to_is_waited_for_while_the_loop_goes_on(
    tmp_path: Path, write_file: WriteFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        asked: list[ForkedProcess] = []

        def launch(source: io.FileIO, sink: io.FileIO) -> ForkedProcess:
            asked.append(ForkedProcess(source, sink, spawn_worker))
            return asked[0]

        async def refuse(*about: object) -> None:
            raise OSError("too many open files")

        started = Started(tmp_path, write_file, launch)
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(loop, "connect_write_pipe", refuse)
        loop.call_later(0.05, lambda: asked[0].is_there(sleeping()))
        await started.worker.connect()
        assert started.events.gone.is_set()
        assert started.worker.exit_code == -signal.SIGKILL
        for ours in (started.worker._source, started.worker._sink):
            ours.close()

    asyncio.run(scenario())


def sleeping() -> int:
    """The id of a child that leads a process group of its own."""
    return os.posix_spawnp("sleep", ["sleep", "60"], os.environ, setpgroup=0)
