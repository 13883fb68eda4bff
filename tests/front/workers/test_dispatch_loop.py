"""The dispatch loop: what is decided is done, and an answer that fails is the only one to fail."""

from __future__ import annotations

import pytest

from scoreserve.errors import QueueTimeout, Stopping, WorkerLost
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.queue.limits import QueueLimits
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.wire import Outcome
from tests.front.fakes import Client, FakeWorker, ManualDefer, Timers, make_fast, outcome_of


class Unanswerable(QueuedJob):
    """A job whose client cannot be answered."""

    def __init__(self) -> None:
        super().__init__(b"unanswerable", [b""])
        self.broken_off = 0

    def tell(self, outcome: object, seconds: float) -> None:
        raise ValueError("a log filter of the user's")

    def break_off(self) -> None:
        self.broken_off += 1


@pytest.fixture
def defer() -> ManualDefer:
    return ManualDefer()


@pytest.fixture
def dispatch(defer: ManualDefer) -> DispatchLoop:
    return DispatchLoop(defer)


class TestAnAnswerThatFails:
    def test_ends_its_own_request_and_no_other(
        self, dispatch: DispatchLoop, defer: ManualDefer, server_log: pytest.LogCaptureFixture
    ) -> None:
        worker = FakeWorker()
        dispatch.attach(worker)
        bad, clients = Unanswerable(), [Client(f"client {number}") for number in range(7)]
        for job in (bad, *(client.job for client in clients)):
            dispatch.submit(job)
        while worker.in_flight or dispatch.queued:
            defer.run()
            dispatch.complete(worker, worker.answers())
        assert all(client.got_its_own() for client in clients)
        assert bad.broken_off == 1
        assert "a log filter of the user's" in server_log.text

    def test_of_a_batch_too(self, dispatch: DispatchLoop, defer: ManualDefer) -> None:
        worker = FakeWorker()
        dispatch.attach(worker)
        dispatch.batching = dispatch.batching._replace(jobs=8)
        bad, client = Unanswerable(), Client("after it")
        dispatch.submit(bad)
        dispatch.submit(client.job)
        defer.run()
        dispatch.complete(worker, worker.answers())
        assert client.got_its_own()

    def test_when_the_server_stops(self, dispatch: DispatchLoop) -> None:
        bad, client = Unanswerable(), Client("after it")
        dispatch.submit(bad)
        dispatch.submit(client.job)
        dispatch.fail_all(Stopping())
        assert isinstance(client.answer, Stopping)
        assert bad.broken_off == 1


def test_jobs_that_an_answer_brings_are_handed_over_after_it(
    dispatch: DispatchLoop, defer: ManualDefer
) -> None:
    """A pipelined request begins when the one before it is answered."""
    worker, first, second = FakeWorker(), Client("first"), Client("second")
    first.on_answer = lambda: dispatch.submit(second.job)
    dispatch.attach(worker)
    dispatch.submit(first.job)
    defer.run()
    answers: list[Outcome] = [outcome_of(job) for job in worker.in_flight]
    worker.in_flight.clear()
    dispatch.complete(worker, answers)
    defer.run()
    dispatch.complete(worker, worker.answers())
    assert first.got_its_own()
    assert second.got_its_own()


def test_a_timer_that_rings_a_moment_too_soon_is_set_again(defer: ManualDefer) -> None:
    """As an event loop's may, which counts in milliseconds."""
    timers = Timers()
    dispatch = DispatchLoop(defer, timers.later, timers.clock, QueueLimits(wait_ms=300))
    client = Client("waits")
    dispatch.submit(client.job)
    defer.run()
    ((_, ring),) = timers.set
    timers.set.clear()
    timers.now += 0.2995
    ring()
    assert not client.answers
    timers.pass_time(0.001)
    assert isinstance(client.answer, QueueTimeout)


def test_there_is_one_timer_that_counts(defer: ManualDefer) -> None:
    timers = Timers()
    dispatch = DispatchLoop(defer, timers.later, timers.clock, QueueLimits(wait_ms=300))
    for _ in range(50):
        dispatch.submit(Client("waits").job)
        defer.run()
        timers.pass_time(0.01)
    assert len(timers.set) == 1


def test_a_client_that_leaves_gives_its_memory_back_though_its_worker_dies(
    dispatch: DispatchLoop, defer: ManualDefer
) -> None:
    """Handed ahead and cancelled, a job is neither answered nor sent again."""
    worker = FakeWorker()
    dispatch.attach(worker)
    make_fast(dispatch, defer, worker)
    clients = [Client("runs", b"1"), Client("ahead", b"12"), Client("leaves", b"123")]
    for client in clients:
        job = client.job
        job.held_bytes = len(job.chunks[0])
        assert dispatch.bodies.take(job.held_bytes)
        dispatch.submit(job)
    defer.run()
    assert len(worker.in_flight) == 3
    dispatch.cancel(clients[2].job)
    dispatch.detach(worker, WorkerLost("It is gone."))
    assert dispatch.bodies.held == len(b"12")
    assert dispatch.queued == 1
