"""The supervisor: workers that die are replaced, until there is no point in it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from scoreserve.cgroup import OomWatch
from scoreserve.errors import ReplyError, WorkerLost
from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.processes.child import Launch
from scoreserve.front.queue.dispatcher import Batching
from scoreserve.front.workers import restart_policy
from scoreserve.front.workers import supervisor as supervisor_module
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.front.workers.exit_reasons import BOOT_FAILED, EXIT, End, Exceeded
from scoreserve.front.workers.snapshot import STATES
from scoreserve.front.workers.supervisor import Supervisor
from scoreserve.front.workers.worker_process import Script, State, WorkerEvents
from scoreserve.settings import Settings
from scoreserve.start_failure import StartFailure
from scoreserve.worker_setup import WorkerSetup
from tests.front.fakes import Client, FakeWorker, ManualDefer, turns


def a_stream() -> BodyStream:
    """A streamed body, asked for ever since the machine started."""
    return BodyStream(lambda: None, lambda: None, lambda: 0.0)


COULD_NOT_START = End(BOOT_FAILED, "could not start")


class FakeProcess(FakeWorker):
    """A worker process that does what the test says."""

    def __init__(
        self,
        events: Any,
        setup: bytes,
        oom: OomWatch,
        generation: int,
        leave_seconds: float,
        *,
        launch: Launch,
        index: int,
    ) -> None:
        super().__init__()
        self.generation = generation
        self.index = index
        self.launch = launch
        self.setup = WorkerSetup.from_json(setup)
        self.settings = self.setup.settings
        self.events: WorkerEvents = events
        self.state = State.STARTING
        self.stage = "running init()"
        self.started = 0.0
        self.script = Script()
        self.killed_for: Exceeded | None = None
        self.busy_since: float | None = None
        self.stream: BodyStream | None = None
        self.pointed = 0
        self.answered = 0
        self.pid = 7
        self.end: End | None = None
        self.stage = "running init()"
        self.start_failure: StartFailure | None = None
        self.leaves_when_asked = True
        self.connected = self.killed = self.retiring = self.stopping = False

    @property
    def state_shown(self) -> str:
        if self.retiring:
            return "stopping"
        if self.state is State.STARTING:
            return "starting"
        return "ready" if self.busy_since is None else "busy"

    async def connect(self) -> None:
        self.connected = True

    def stop(self, seconds: float = 1.0) -> None:
        self.stopping = True
        if self.leaves_when_asked:
            self.die()

    def retire(self) -> None:
        self.retiring = True
        if not self.in_flight:
            self.stop()

    def kill(self) -> None:
        self.killed = True
        self.die()

    def point_to_stop(self) -> None:
        self.pointed += 1

    def kill_for(self, limit: Exceeded) -> None:
        self.killed_for = limit

    def get_ready(self) -> None:
        self.state = State.READY
        self.events.worker_ready(self)  # type: ignore[arg-type]

    def answer(self) -> None:
        self.events.worker_outcomes(self, self.answers())  # type: ignore[arg-type]
        if self.retiring:
            self.stop()

    def die(self) -> None:
        """As the real one, it tells so in a later turn of the event loop."""
        if self.state is not State.GONE:
            started = self.state is State.READY
            self.end = End(EXIT, "exited with code 7") if started else COULD_NOT_START
            self.state = State.GONE
            gone: Callable[[Any], None] = self.events.worker_gone
            asyncio.get_running_loop().call_soon(gone, self)


class Supervised:
    """A supervisor with fake processes; `gave_up` is why it did, each time.

    `refusals` are what the system raises instead of giving processes.
    """

    def __init__(self, processes: list[FakeProcess]) -> None:
        self.processes = processes
        self.refusals: list[OSError] = []
        self.gave_up: list[StartFailure] = []
        self.pids: list[int] = []  # that it told last
        self.defer = ManualDefer()
        self.dispatcher = DispatchLoop(self.defer)

    def spawn(self, **settings: Any) -> None:
        self.supervisor = Supervisor(
            Settings(**settings), self.dispatcher, self._give_up, self._keep_pids
        )
        self.supervisor.spawn()

    def _give_up(self, why: StartFailure) -> None:
        self.gave_up.append(why)

    def _keep_pids(self, pids: Sequence[int]) -> None:
        self.pids = list(pids)

    @property
    def newest(self) -> FakeProcess:
        return self.processes[-1]

    async def start(self) -> FakeProcess:
        """Starts the first worker, which gets ready."""
        await self.supervisor.start()
        self.newest.get_ready()
        return self.newest

    def submit(self, name: str, x_request_id: str = "") -> Client:
        client = Client(name)
        client.job.request_id = x_request_id.encode()
        self.dispatcher.submit(client.job)
        self.defer.run()
        return client

    async def die(self) -> None:
        """The newest worker dies, and whatever follows at once has happened."""
        self.newest.die()
        await turns()

    async def get_ready(self) -> None:
        """The newest worker is ready, and whatever follows at once has happened."""
        self.newest.get_ready()
        await turns()

    def alive(self) -> list[int]:
        """The workers that are not gone, by the order in which they were started."""
        states = enumerate(process.state for process in self.processes)
        return [number for number, state in states if state is not State.GONE]


@pytest.fixture
def supervise(
    monkeypatch: pytest.MonkeyPatch, server_log: pytest.LogCaptureFixture
) -> Callable[..., Supervised]:
    """Makes a supervisor with these settings, which replaces workers without a pause."""

    def supervise(**settings: Any) -> Supervised:
        processes: list[FakeProcess] = []

        def spawn(*arguments: Any, **named: Any) -> FakeProcess:
            if supervised.refusals:
                raise supervised.refusals.pop()
            processes.append(FakeProcess(*arguments, **named))
            return processes[-1]

        monkeypatch.setattr(supervisor_module, "WorkerProcess", spawn)
        monkeypatch.setattr(restart_policy, "_FIRST_PAUSE_SECONDS", 0)
        monkeypatch.setattr(supervisor_module, "_STOP_GRACE_SECONDS", 0)
        supervised = Supervised(processes)
        supervised.spawn(**settings)
        return supervised

    return supervise


Supervise = Callable[..., Supervised]


def play(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


def test_a_worker_for_each_is_spawned_and_connected(supervise: Supervise) -> None:
    async def scenario() -> None:
        supervised = supervise(workers=3)
        await supervised.supervisor.start()
        assert [process.connected for process in supervised.processes] == [True] * 3

    play(scenario)


class TestDeaths:
    def test_before_any_worker_was_ready_end_the_server(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.supervisor.start()
            await supervised.die()
            assert (len(supervised.gave_up), len(supervised.processes)) == (1, 1)
            (why,) = supervised.gave_up
            assert why.what == "The scoring worker could not start while running init()"
            assert not why.served

        play(scenario)

    def test_end_it_with_what_the_worker_has_told(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.supervisor.start()
            told = StartFailure("No module named 'mine'", "score.py, line 3", "pip install mine")
            supervised.newest.start_failure = told
            await supervised.die()
            assert supervised.gave_up == [told]

        play(scenario)

    def test_later_ones_are_followed_by_a_new_worker(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            await supervised.die()
            assert (supervised.gave_up, len(supervised.processes)) == ([], 2)
            assert supervised.newest.connected

        play(scenario)

    def test_are_told_to_whoever_keeps_the_pids(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(workers=2)
            await supervised.start()
            assert supervised.pids == [7, 7]
            supervised.processes[1].pid = 8
            await supervised.die()
            supervised.newest.pid = 9
            supervised.supervisor.reload("SIGHUP")
            assert sorted(supervised.pids) == [7, 7, 9]

        play(scenario)

    def test_that_begin_leave_new_requests_to_the_next_worker(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            ending = await supervised.start()
            ending.events.worker_ending(ending)  # type: ignore[arg-type]
            client = supervised.submit("late")
            assert not ending.in_flight
            await supervised.die()
            await supervised.get_ready()
            supervised.defer.run()
            supervised.newest.answer()
            assert client.got_its_own()

        play(scenario)

    def test_end_the_running_request_and_leave_the_queue(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            running, queued = supervised.submit("running"), supervised.submit("queued")
            await supervised.die()
            error = running.answer
            assert isinstance(error, WorkerLost)
            assert "exited with code 7" in error.message
            supervised.newest.get_ready()
            supervised.defer.run()
            supervised.newest.answer()
            assert queued.got_its_own()

        play(scenario)

    def test_many_before_the_first_answer_end_the_server(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            while not supervised.gave_up:
                assert len(supervised.processes) < 20
                supervised.newest.get_ready()
                await supervised.die()
            assert len(supervised.processes) > 2

        play(scenario)

    def test_many_after_an_answer_do_not(self, supervise: Supervise) -> None:
        """A client that sends one deadly request again and again must not end the server."""

        async def scenario() -> None:
            supervised = supervise()
            process = await supervised.start()
            client = supervised.submit("a")
            process.answer()
            assert client.got_its_own()
            for _ in range(20):
                if supervised.newest.state is State.STARTING:
                    supervised.newest.get_ready()
                supervised.submit("deadly")
                await supervised.die()
            assert supervised.gave_up == []

        play(scenario)

    def test_of_one_of_two_leave_the_server_to_the_other(self, supervise: Supervise) -> None:
        """Be it that the second never starts: the one that serves is worth keeping."""

        async def scenario() -> None:
            supervised = supervise(workers=2)
            await supervised.supervisor.start()
            supervised.processes[0].get_ready()
            for _ in range(10):
                await supervised.die()
            assert supervised.gave_up == []
            assert supervised.supervisor.not_ready() is None
            assert supervised.newest.state is State.STARTING  # it is still being tried

        play(scenario)

    def test_name_the_request_that_was_running(
        self, supervise: Supervise, server_log: pytest.LogCaptureFixture
    ) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            for name in ("runs", "waits"):
                supervised.submit(name, x_request_id=f"id of what {name}")
            await supervised.die()

        play(scenario)
        assert "exited with code 7, running request id of what runs" in server_log.text
        assert "id of what waits" not in server_log.text

    def test_in_a_row_make_the_pause_grow_to_a_limit(self) -> None:
        pauses = [restart_policy.pause_after(deaths) for deaths in (1, 2, 3, 100, 100_000)]
        assert pauses[0] == 0
        assert pauses[1] < pauses[2] < pauses[3] == pauses[4] < 20

    def test_are_made_up_for_once_the_system_gives_processes_again(
        self, supervise: Supervise
    ) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            supervised.refusals = [OSError("no processes") for _ in range(8)]
            await supervised.die()
            await turns(100)
            assert supervised.refusals == []
            await supervised.die()  # which is the first failed start in a row
            assert supervised.gave_up == []
            await supervised.get_ready()
            assert supervised.supervisor.not_ready() is None

        play(scenario)


class TestReadiness:
    def test_during_init_the_stage_and_the_time_are_told(self, supervise: Supervise) -> None:
        supervised = supervise()
        error = supervised.supervisor.not_ready()
        assert error is not None
        assert "running init() (" in error.message
        assert "s so far" in error.message

    def test_one_ready_worker_is_enough(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(workers=2)
            await supervised.start()
            assert supervised.supervisor.not_ready() is None
            assert supervised.supervisor.never_ready() is None

        play(scenario)

    def test_after_a_death_probes_are_told_and_requests_wait(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            await supervised.die()
            error = supervised.supervisor.not_ready()
            assert error is not None
            assert "exited with code 7" in error.message
            assert supervised.supervisor.never_ready() is None
            supervised.newest.get_ready()
            assert supervised.supervisor.not_ready() is None

        play(scenario)


class TestStopping:
    def test_answers_what_is_in_hand_and_replaces_nobody(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            clients = [supervised.submit("running"), supervised.submit("queued")]
            await supervised.supervisor.stop(1.0)
            for client in clients:
                error = client.answer
                assert isinstance(error, ReplyError)
                assert error.status == 503
            assert (supervised.gave_up, len(supervised.processes)) == ([], 1)

        play(scenario)

    def test_kills_only_whoever_does_not_leave(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(workers=2)
            await supervised.supervisor.start()
            leaves, stays = supervised.processes
            stays.leaves_when_asked = False
            await supervised.supervisor.stop(0.0)
            assert (leaves.killed, stays.killed) == (False, True)

        play(scenario)

    def test_one_that_leaves_has_its_time_and_one_that_is_busy_has_not(
        self, supervise: Supervise
    ) -> None:
        async def scenario() -> None:
            supervised = supervise(workers=2)
            await supervised.supervisor.start()
            leaves, busy = supervised.processes
            for process in (leaves, busy):
                process.get_ready()
                process.leaves_when_asked = False
            busy.busy_since = 0.0
            stopping = asyncio.ensure_future(supervised.supervisor.stop(60.0))
            await asyncio.sleep(0.01)
            assert (leaves.killed, busy.killed) == (False, True)
            leaves.die()  # its atexit handlers are done
            await stopping
            assert not leaves.killed

        play(scenario)


class TestHungWorkers:
    @pytest.mark.parametrize("streaming", [False, True])
    def test_are_ended_unless_their_client_sets_the_pace(
        self, supervise: Supervise, streaming: bool
    ) -> None:
        async def scenario() -> None:
            supervised = supervise(worker_timeout_s=1)
            process = await supervised.start()
            process.busy_since = 0.0  # ever since the machine started
            if streaming:
                process.stream = a_stream()
                process.stream.feed(b"a chunk that its client has not taken yet")
            supervised.supervisor.end_hung_workers()
            assert (process.killed_for is None) is streaming

        play(scenario)

    def test_are_ended_when_a_generator_stands_still(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(worker_timeout_s=1)
            process = await supervised.start()
            process.stream = a_stream()
            supervised.supervisor.end_hung_workers()
            assert process.killed_for is not None
            assert "WORKER_TIMEOUT" in process.killed_for.error.message

        play(scenario)

    def test_are_ended_when_a_generator_does_not_end_with_its_client(
        self, supervise: Supervise
    ) -> None:
        async def scenario() -> None:
            supervised = supervise(worker_timeout_s=0)
            process = await supervised.start()
            process.stream = a_stream()
            process.stream.feed(b"a")
            process.stream.close()
            supervised.supervisor.end_hung_workers()
            assert process.killed_for is not None
            assert "client left" in process.killed_for.error.message

        play(scenario)

    def test_are_ended_in_init_too(self, supervise: Supervise) -> None:
        supervised = supervise(worker_timeout_s=1)
        supervised.supervisor.end_hung_workers()
        limit = supervised.newest.killed_for
        assert limit is not None
        assert "init()" in limit.error.message

    def test_are_told_to_their_client(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(scoring_timeout_ms=100)
            process = await supervised.start()
            client = supervised.submit("a")
            process.busy_since = 0.0
            supervised.supervisor.end_hung_workers()
            await supervised.die()
            error = client.answer
            assert isinstance(error, ReplyError)
            assert (error.status, error.message) == (500, "Scoring timeout after 100 ms")

        play(scenario)

    def test_idle_and_brisk_ones_are_left_alone(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(worker_timeout_s=1)
            process = await supervised.start()
            supervised.supervisor.end_hung_workers()
            assert process.killed_for is None

        play(scenario)


class TestReload:
    def test_the_new_worker_takes_over_when_it_is_ready(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            old = await supervised.start()
            supervised.supervisor.reload("why")
            before = supervised.submit("before")
            assert len(supervised.processes) == 2
            old.answer()
            assert before.got_its_own()
            supervised.newest.script = Script(raw=True, batching=Batching(8))
            await supervised.get_ready()
            after = supervised.submit("after")
            supervised.newest.answer()
            assert after.got_its_own()
            assert supervised.alive() == [1]
            assert supervised.supervisor.script.raw
            assert supervised.dispatcher.batching == Batching(8)
            report = supervised.supervisor.snapshot()
            assert report.reloads == {"ok": 1, "failed": 0}
            assert report.last_reload.startswith("ok: ")
            assert sum(report.deaths.values()) == 0

        play(scenario)

    def test_the_old_worker_finishes_what_it_has_and_gets_no_more(
        self, supervise: Supervise
    ) -> None:
        async def scenario() -> None:
            supervised = supervise()
            old = await supervised.start()
            running = supervised.submit("running")
            supervised.supervisor.reload("why")
            await supervised.get_ready()
            next_one = supervised.submit("next")
            assert supervised.alive() == [0, 1]
            assert supervised.supervisor.snapshot().states["stopping"] == 1
            supervised.newest.answer()
            assert next_one.got_its_own()
            old.answer()
            await turns()
            assert running.got_its_own()
            assert supervised.alive() == [1]

        play(scenario)

    def test_one_worker_at_a_time(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(workers=3)
            await supervised.supervisor.start()
            for process in supervised.processes:
                process.get_ready()
            supervised.supervisor.reload("why")
            for started in (4, 5, 6):
                assert len(supervised.processes) == started
                assert len(supervised.alive()) == 4
                await supervised.get_ready()
            assert supervised.alive() == [3, 4, 5]
            assert supervised.supervisor.snapshot().reloads["ok"] == 1

        play(scenario)

    def test_a_worker_that_does_not_start_leaves_the_old_ones(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(workers=2)
            await supervised.supervisor.start()
            for process in supervised.processes:
                process.get_ready()
            for _ in range(10):  # however often
                supervised.supervisor.reload("why")
                await supervised.die()
            assert (supervised.alive(), supervised.gave_up) == ([0, 1], [])
            client = supervised.submit("a")
            for process in supervised.processes[:2]:
                process.answer()
            assert client.got_its_own()
            report = supervised.supervisor.snapshot()
            assert report.reloads == {"ok": 0, "failed": 10}
            assert report.last_reload.startswith("failed: ")
            assert report.deaths["boot_failed"] == 10

        play(scenario)

    def test_reloads_that_failed_say_nothing_against_a_replacement(
        self, supervise: Supervise
    ) -> None:
        async def scenario() -> None:
            supervised = supervise()
            process = await supervised.start()
            for _ in range(10):
                supervised.supervisor.reload("why")
                await supervised.die()
            process.die()
            await turns()
            assert supervised.gave_up == []
            assert len(supervised.alive()) == 1

        play(scenario)

    def test_the_next_worker_waits_until_the_last_one_has_left(self, supervise: Supervise) -> None:
        """Even if one dies meanwhile: there is never more than one too many."""

        async def scenario() -> None:
            supervised = supervise(workers=3)
            await supervised.supervisor.start()
            old = list(supervised.processes)
            for process in old:
                process.get_ready()
            for name in ("a", "b", "c"):
                supervised.submit(name)
            supervised.supervisor.reload("why")
            await supervised.get_ready()
            assert len(supervised.processes) == 4  # and not one more while all are busy
            next(process for process in old if not process.retiring).die()
            await turns()
            await supervised.get_ready()  # the replacement
            assert len(supervised.alive()) == 4
            for process in old:
                if process.state is not State.GONE:
                    process.answer()
            await turns()
            while supervised.newest.state is State.STARTING:
                await supervised.get_ready()
            assert len(supervised.alive()) == 3
            assert not {0, 1, 2} & set(supervised.alive())

        play(scenario)

    def test_fails_when_the_system_gives_no_process(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            supervised.refusals = [OSError("no processes")]
            supervised.supervisor.reload("why")
            assert "no processes" in supervised.supervisor.snapshot().last_reload
            supervised.supervisor.reload("again")
            await supervised.get_ready()
            assert supervised.alive() == [1]

        play(scenario)

    def test_another_asked_for_meanwhile_follows_once(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            for _ in range(3):
                supervised.supervisor.reload("why")
            assert len(supervised.processes) == 2
            await supervised.get_ready()
            assert supervised.alive() == [1, 2]
            await supervised.get_ready()
            assert supervised.alive() == [2]
            assert supervised.supervisor.snapshot().reloads["ok"] == 2

        play(scenario)

    def test_an_old_worker_that_dies_meanwhile_is_replaced_by_the_new_one(
        self, supervise: Supervise
    ) -> None:
        async def scenario() -> None:
            supervised = supervise()
            old = await supervised.start()
            supervised.supervisor.reload("why")
            running, waiting = supervised.submit("running"), supervised.submit("waiting")
            old.die()
            await turns()
            assert isinstance(running.answer, WorkerLost)
            assert supervised.alive() == [1]
            await supervised.get_ready()
            supervised.defer.run()
            supervised.newest.answer()
            assert waiting.got_its_own()
            assert supervised.alive() == [1]
            assert supervised.supervisor.snapshot().reloads["ok"] == 1

        play(scenario)

    def test_a_new_worker_that_dies_while_the_old_one_finishes_is_replaced(
        self, supervise: Supervise
    ) -> None:
        async def scenario() -> None:
            supervised = supervise()
            old = await supervised.start()
            running = supervised.submit("running")
            supervised.supervisor.reload("why")
            await supervised.get_ready()
            await supervised.die()
            assert supervised.alive() == [0, 2]
            await supervised.get_ready()
            old.answer()
            await turns()
            assert running.got_its_own()
            assert supervised.alive() == [2]

        play(scenario)

    def test_that_is_under_way_does_not_outlive_the_server(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            supervised.supervisor.reload("why")
            supervised.supervisor.reload("again")
            await supervised.supervisor.stop(1.0)
            assert (supervised.alive(), len(supervised.processes)) == ([], 2)

        play(scenario)


class TestWaitingForAChange:
    """Under --reload a script that cannot start is no reason to leave."""

    def test_begins_with_the_first_start(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(reload=True, workers=2)
            await supervised.supervisor.start()
            for process in supervised.processes:
                process.die()
            await turns()
            assert (supervised.gave_up, supervised.alive()) == ([], [])
            error = supervised.supervisor.never_ready()
            assert error is not None
            assert "waits for it to change" in error.message
            supervised.supervisor.reload("score.py changed")
            assert supervised.alive() == [2]
            await supervised.get_ready()
            assert supervised.supervisor.never_ready() is None
            assert supervised.alive() == [2, 3]

        play(scenario)

    def test_answers_requests_that_would_wait_in_vain(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(reload=True)
            process = await supervised.start()
            supervised.submit("first")
            process.answer()
            process.die()
            await turns()
            client = supervised.submit("a")
            while supervised.supervisor.never_ready() is None:
                assert len(supervised.processes) < 20
                await supervised.die()
            error = client.answer
            assert isinstance(error, ReplyError)
            assert error.status == 502
            assert (supervised.gave_up, supervised.alive()) == ([], [])

        play(scenario)


class TestReport:
    def test_while_starting(self, supervise: Supervise) -> None:
        report = supervise(workers=2).supervisor.snapshot()
        assert report.states == {"starting": 2, "ready": 0, "busy": 0, "stopping": 0}
        assert report.stage == "running init()"
        assert report.stage_seconds > 0
        assert (report.inits, report.last_death, report.last_reload) == (0, None, "")

    def test_of_workers_that_serve(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise(workers=2)
            await supervised.supervisor.start()
            for process in supervised.processes:
                process.get_ready()
            supervised.processes[0].busy_since = 0.0
            report = supervised.supervisor.snapshot()
            assert list(report.states) == list(STATES)
            assert report.states == {"starting": 0, "ready": 1, "busy": 1, "stopping": 0}
            assert (report.stage, report.stage_seconds) == ("", 0.0)
            assert sorted(worker.state for worker in report.workers) == ["busy", "ready"]
            for worker in report.workers:
                assert worker.pid == 7
                assert worker.seconds > 0
                assert (worker.busy_seconds is not None) is (worker.state == "busy")
            assert report.inits == 2
            assert report.init_seconds_total >= report.init_seconds_last > 0

        play(scenario)

    def test_of_a_death(self, supervise: Supervise) -> None:
        async def scenario() -> None:
            supervised = supervise()
            await supervised.start()
            await supervised.die()
            report = supervised.supervisor.snapshot()
            assert report.deaths["exit"] == sum(report.deaths.values()) == 1
            death = report.last_death
            assert death is not None
            assert (death.reason, death.text, death.pid) == ("exit", "exited with code 7", 7)
            assert death.seconds_ago >= 0

        play(scenario)


class TestDeathsOfMerging:
    """A script that does not stand merged calls would kill each replacement."""

    @staticmethod
    async def die(supervised: Supervised, *, began: int) -> None:
        """The newest worker begins a run() for so many of two requests, and dies."""
        supervised.newest.script = Script(batching=Batching(6))
        await supervised.get_ready()
        clients = [Client(f"{number}") for number in range(2)]
        for client in clients:
            supervised.dispatcher.submit(client.job)
        supervised.defer.run()
        ids = [client.job.id for client in clients]
        supervised.dispatcher.began(supervised.newest, ids[:began])
        for client in clients:
            supervised.dispatcher.cancel(client.job)
        await supervised.die()

    @pytest.mark.parametrize(
        ("began", "merges"), [(2, False), (0, False), (1, True)], ids=["merged", "proof", "alone"]
    )
    def test_in_the_end_replacements_do_not_merge(
        self, supervise: Supervise, began: int, merges: bool
    ) -> None:
        async def scenario() -> None:
            supervised = supervise(max_batch_size=8)
            await supervised.supervisor.start()
            for _ in range(5):
                assert supervised.newest.settings.max_batch_size == 8
                await self.die(supervised, began=began)
            assert (supervised.newest.settings.max_batch_size == 8) is merges
            await supervised.get_ready()
            supervised.supervisor.reload("why")  # perhaps it is mended
            await turns()
            assert supervised.newest.settings.max_batch_size == 8

        play(scenario)
