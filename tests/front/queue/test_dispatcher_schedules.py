"""The dispatcher under any schedule of clients, workers and deaths: each job gets one outcome."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from scoreserve.errors import QueueFull, QueueTimeout, WorkerLost
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.queue.limits import QueueLimits
from scoreserve.front.queue.read_ahead import ReadAhead
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.wire import Outcome
from tests.front.fakes import Client, FakeWorker, ManualDefer, Timers, outcome_of

MOST, LONGEST_MS = 6, 1000


class AnySchedule(RuleBasedStateMachine):
    """Whatever happens in whatever order. The model: a list of clients and what became of them."""

    clients: Bundle[Client] = Bundle("clients")

    def __init__(self) -> None:
        super().__init__()
        self.defer = ManualDefer()
        self.timers = Timers()
        self.dispatcher = DispatchLoop(
            self.defer, self.timers.later, self.timers.clock, QueueLimits(MOST, LONGEST_MS)
        )
        self.pace = ReadAhead()
        self.sent: list[int] = []
        self.all: list[Client] = []
        self.workers: list[FakeWorker] = []
        self.cancelled: set[Client] = set()
        self.expected: dict[Client, object] = {}

    @initialize(runs=st.sampled_from([0, 400]))
    def after_fast_runs(self, runs: int) -> None:
        """So that workers are handed many jobs ahead, or not."""
        for pace in (self.pace, self.dispatcher._dispatcher._read_ahead):
            for _ in range(runs):
                pace.record(1e-6)

    @rule(target=clients)
    def submit(self) -> Client:
        client = Client(str(len(self.all)), b"body of %d" % len(self.all))
        self.all.append(client)
        try:
            self.dispatcher.submit(client.job)
        except QueueFull:
            assert self.dispatcher.queued >= MOST
            assert all(worker.in_flight for worker in self.workers), "idle beside a full queue"
            self.cancelled.add(client)  # it has its answer: nothing is to come of the job
        return client

    @rule(client=clients)
    def leave(self, client: Client) -> None:
        if client not in self.cancelled and not client.answers:
            self.cancelled.add(client)
            self.dispatcher.cancel(client.job)

    @rule(ms=st.integers(1, 2 * LONGEST_MS))
    def pass_time(self, ms: int) -> None:
        self.timers.pass_time(ms / 1000)

    @rule()
    def attach(self) -> None:
        worker = CheckedWorker(self)
        self.workers.append(worker)
        self.dispatcher.attach(worker)

    @rule()
    def turn_of_the_event_loop(self) -> None:
        self.defer.run()
        if self.dispatcher.queued:
            assert all(worker.in_flight for worker in self.workers), "idle beside a queue"

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), seconds=st.sampled_from([0.0, 1e-6, 1e-4, 0.01, 10.0]))
    def answer(self, data: st.DataObject, seconds: float) -> None:
        """A worker answers its jobs in the order in which it got them."""
        worker = data.draw(st.sampled_from(self.workers))
        count = data.draw(st.integers(0, len(worker.in_flight)))
        answered, worker.in_flight = worker.in_flight[:count], worker.in_flight[count:]
        for _ in answered:
            self.pace.record(seconds)
        self.dispatcher.complete(worker, [outcome_of(job, seconds) for job in answered])

    @precondition(lambda self: self.workers)
    @rule(data=st.data())
    def lose_a_worker(self, data: st.DataObject) -> None:
        worker = self.workers.pop(data.draw(st.integers(0, len(self.workers) - 1)))
        error = WorkerLost("The scoring worker is gone.")
        running = {job.head for job in worker.in_flight[:1]}
        for client in self.all:
            if client.name in running and client not in self.cancelled:
                self.expected[client] = error
        self.dispatcher.detach(worker, error)

    @invariant()
    def nobody_gets_two_answers_or_anothers(self) -> None:
        for client in self.all:
            assert len(client.answers) <= (client not in self.cancelled)
            if client in self.expected:
                assert client.answer is self.expected[client]
            elif client.answers and isinstance(client.answer, QueueTimeout):
                assert self.waited_ms(client.job) >= LONGEST_MS - 1
            elif client.answers:
                assert client.got_its_own()

    @invariant()
    def jobs_are_first_sent_in_the_order_in_which_they_came(self) -> None:
        first_sent = list(dict.fromkeys(self.sent))
        assert first_sent == sorted(first_sent)

    @invariant()
    def nobody_waits_for_too_long(self) -> None:
        if self.defer.pending:
            return  # who is given back by a lost worker is looked at in the loop's next turn
        waiting = [job for job in self.dispatcher._dispatcher._queue._jobs if job.awaited]
        assert all(self.waited_ms(job) <= LONGEST_MS + 1 for job in waiting)

    def waited_ms(self, job: QueuedJob) -> float:
        return (self.timers.now - job.queued_at) * 1000

    def teardown(self) -> None:
        """In the end, once there is a worker, everyone who waited has an answer."""
        self.attach()
        while any(worker.in_flight for worker in self.workers) or self.defer.pending:
            self.defer.run()
            for worker in self.workers:
                self.dispatcher.complete(worker, worker.answers())
        assert self.dispatcher.queued == 0
        for client in self.all:
            assert len(client.answers) == (client not in self.cancelled)
        self.nobody_gets_two_answers_or_anothers()


class CheckedWorker(FakeWorker):
    """A worker that checks what it is sent: not too much, and with its body, also when again."""

    def __init__(self, schedule: AnySchedule) -> None:
        super().__init__()
        self._schedule = schedule

    def send(self, jobs: Any) -> None:
        super().send(jobs)
        assert len(self.in_flight) <= self._schedule.pace.ahead
        assert all(job.body == b"body of " + job.head for job in self.batches[-1])
        assert all(self._schedule.waited_ms(job) <= LONGEST_MS + 1 for job in jobs)
        self._schedule.sent += [job.id for job in jobs]


TestAnySchedule = AnySchedule.TestCase


def test_ended_jobs_are_outcomes_or_errors() -> None:
    """What the schedule above takes for granted of its own stand-ins."""
    client = Client("a")
    client.answers.append(Outcome(1, 200, b"", b"b"))
    assert not client.got_its_own()
