"""The dispatcher: every job gets one outcome, its own, whatever workers and clients do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from scoreserve import wire
from scoreserve.errors import Stopping, WorkerLost
from scoreserve.front.messages.body_stream import StreamBroken
from scoreserve.front.queue.read_ahead import MOST_AHEAD
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from tests.front.fakes import Client, FakeWorker, ManualDefer, make_fast, outcome_of

LOST = WorkerLost("The scoring worker is gone.")

Submit = Callable[..., list[Client]]


@pytest.fixture
def defer() -> ManualDefer:
    return ManualDefer()


@pytest.fixture
def dispatcher(defer: ManualDefer) -> DispatchLoop:
    return DispatchLoop(defer)


@pytest.fixture
def submit(dispatcher: DispatchLoop) -> Submit:
    """Submits a job for each name."""

    def submit(*names: str) -> list[Client]:
        clients = [Client(name) for name in names]
        for client in clients:
            dispatcher.submit(client.job)
        return clients

    return submit


@pytest.fixture
def attach(dispatcher: DispatchLoop) -> Callable[[], FakeWorker]:
    """Attaches a new worker."""

    def attach() -> FakeWorker:
        worker = FakeWorker()
        dispatcher.attach(worker)
        return worker

    return attach


Attach = Callable[[], FakeWorker]


def heads(worker: FakeWorker) -> list[list[bytes]]:
    """The heads of the jobs the worker was handed, batch by batch."""
    return [[job.head for job in batch] for batch in worker.batches]


class TestHandingOver:
    def test_nothing_is_handed_over_before_what_is_under_way_is_done(
        self, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker = attach()
        submit("a")
        assert worker.batches == []
        defer.run()
        assert heads(worker) == [[b"a"]]

    def test_a_job_arrives_whole_and_its_body_is_let_go(
        self, dispatcher: DispatchLoop, defer: ManualDefer, attach: Attach
    ) -> None:
        worker, client = attach(), Client("a", b"body")
        dispatcher.submit(client.job)
        defer.run()
        assert [(job.head, job.body) for job in worker.in_flight] == [(b"a", b"body")]
        assert not client.job.chunks

    def test_an_unknown_script_gets_one_job_at_a_time(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker = attach()
        submit("a", "b")
        defer.run()
        assert heads(worker) == [[b"a"]]
        dispatcher.complete(worker, worker.answers())
        defer.run()
        assert heads(worker) == [[b"a"], [b"b"]]

    def test_two_idle_workers_get_one_job_each(
        self, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        workers = attach(), attach()
        submit("a", "b")
        defer.run()
        assert [heads(worker) for worker in workers] == [[[b"a"]], [[b"b"]]]

    def test_a_fast_worker_gets_several_jobs_at_once(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker = attach()
        make_fast(dispatcher, defer, worker)
        submit("a", "b", "c")
        defer.run()
        assert heads(worker) == [[b"a", b"b", b"c"]]

    def test_jobs_given_to_a_worker_that_has_others_are_told_of(self, defer: ManualDefer) -> None:
        told: list[int] = []
        dispatcher, worker = DispatchLoop(defer, handed_ahead=told.append), FakeWorker()
        dispatcher.attach(worker)
        make_fast(dispatcher, defer, worker)
        assert told == []  # the first one was always done
        for together in (3, 1):
            for number in range(together):
                dispatcher.submit(Client(f"{number}").job)
            defer.run()
        assert told == [2, 1]

    def test_a_fast_worker_never_gets_more_than_the_most(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker = attach()
        make_fast(dispatcher, defer, worker)
        submit(*map(str, range(MOST_AHEAD + 1)))
        defer.run()
        assert len(worker.in_flight) == MOST_AHEAD
        assert dispatcher.queued == 1

    def test_fast_workers_share_what_is_queued(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker = attach()
        make_fast(dispatcher, defer, worker)
        other = attach()
        submit(*map(str, range(10)))
        defer.run()
        assert len(worker.in_flight) == len(other.in_flight) == 5

    def test_jobs_whose_input_was_refused_say_nothing_about_run(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        """However many bad requests come, a slow run() is still handed one job at a time."""
        worker = attach()
        for number in range(400):
            submit(f"bad {number}")
            defer.run()
            refused = [outcome_of(job, 0.0, flags=0) for job in worker.in_flight]
            worker.in_flight.clear()
            dispatcher.complete(worker, refused)
        worker.batches.clear()
        submit("a", "b")
        defer.run()
        assert heads(worker) == [[b"a"]]


class TestAnswers:
    def test_come_in_any_order(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker = attach()
        make_fast(dispatcher, defer, worker)
        clients = submit("a", "b", "c")
        defer.run()
        dispatcher.complete(worker, worker.answers()[::-1])
        assert all(client.got_its_own() for client in clients)

    def test_one_of_no_job_in_hand_is_dropped(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker = attach()
        (client,) = submit("a")
        defer.run()
        (answer,) = worker.answers()
        dispatcher.complete(worker, [replace(answer, id=99), answer, answer])
        assert client.got_its_own()

    def test_of_another_workers_job_are_dropped(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker, other = attach(), attach()
        (client,) = submit("a")
        defer.run()
        dispatcher.complete(other, worker.answers())
        assert client.answers == []


class TestLostWorkers:
    def test_end_the_job_they_were_running_and_no_others(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        lost, other = attach(), attach()
        in_lost, in_other, queued = submit("a", "b", "c")
        defer.run()
        dispatcher.detach(lost, LOST)
        assert in_lost.answers == [LOST]
        assert in_other.answers == queued.answers == []
        dispatcher.complete(other, other.answers())
        assert in_other.got_its_own()

    def test_leave_the_queue_to_their_replacement(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        lost = attach()
        submit("a")
        defer.run()
        (queued,) = submit("b")
        dispatcher.detach(lost, LOST)
        defer.run()
        assert (dispatcher.workers, dispatcher.queued) == (0, 1)
        replacement = attach()
        defer.run()
        dispatcher.complete(replacement, replacement.answers())
        assert queued.got_its_own()

    def test_give_back_the_jobs_they_had_not_begun(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        """To the head of the queue, bodies and all: only the first can have begun."""
        lost = attach()
        make_fast(dispatcher, defer, lost)
        running, *others = [Client(name, b"body of " + name.encode()) for name in "abc"]
        for client in (running, *others):
            dispatcher.submit(client.job)
        defer.run()
        assert heads(lost) == [[b"a", b"b", b"c"]]
        (later,) = submit("d")
        dispatcher.detach(lost, LOST)
        assert running.answers == [LOST]
        replacement = attach()
        defer.run()
        assert [(job.head, job.body) for job in replacement.in_flight] == [
            (b"b", b"body of b"),
            (b"c", b"body of c"),
            (b"d", b""),
        ]
        dispatcher.complete(replacement, replacement.answers())
        assert all(client.got_its_own() for client in (*others, later))

    def test_do_not_give_back_jobs_that_were_cancelled(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        lost = attach()
        make_fast(dispatcher, defer, lost)
        _, cancelled, _ = submit("a", "b", "c")
        defer.run()
        dispatcher.cancel(cancelled.job)
        dispatcher.detach(lost, LOST)
        assert dispatcher.queued == 1

    def test_that_were_never_ready_change_nothing(self, dispatcher: DispatchLoop) -> None:
        dispatcher.detach(FakeWorker(), LOST)
        assert dispatcher.workers == 0


class TestCancelling:
    def test_a_queued_job_means_that_it_is_never_sent(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        cancelled, other = submit("a", "b")
        dispatcher.cancel(cancelled.job)
        worker = attach()
        defer.run()
        dispatcher.complete(worker, worker.answers())
        assert cancelled.answers == []
        assert other.got_its_own()
        assert heads(worker) == [[b"b"]]

    def test_a_running_job_means_that_nobody_hears_of_it(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker = attach()
        (cancelled,) = submit("a")
        defer.run()
        dispatcher.cancel(cancelled.job)
        dispatcher.complete(worker, worker.answers())
        assert cancelled.answers == []

    def test_a_job_that_waits_again_means_that_it_is_never_sent(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        lost = attach()
        make_fast(dispatcher, defer, lost)
        _, cancelled = submit("a", "b")
        defer.run()
        dispatcher.detach(lost, LOST)
        dispatcher.cancel(cancelled.job)
        assert dispatcher.queued == 0

    def test_a_job_that_has_ended_changes_nothing(
        self, dispatcher: DispatchLoop, submit: Submit
    ) -> None:
        """A client may leave in the very moment in which its queued job is refused."""
        refused, other = submit("a", "b")
        dispatcher.fail_all(Stopping())
        dispatcher.cancel(refused.job)
        assert len(refused.answers) == len(other.answers) == 1


class TestFailingAll:
    def test_ends_queued_and_running_jobs(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, attach: Attach
    ) -> None:
        worker, error = attach(), Stopping()
        running, queued = submit("a", "b")
        defer.run()
        dispatcher.fail_all(error)
        dispatcher.complete(worker, worker.answers())
        assert running.answers == queued.answers == [error]


class TestStreams:
    @pytest.fixture
    def worker(self, dispatcher: DispatchLoop, defer: ManualDefer, attach: Attach) -> FakeWorker:
        return attach()

    @pytest.fixture
    def streaming(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, worker: FakeWorker
    ) -> Client:
        """A client whose outcome has come and whose body is still on its way."""
        (client,) = submit("a")
        defer.run()
        self.begin(dispatcher, worker)
        return client

    @staticmethod
    def begin(dispatcher: DispatchLoop, worker: FakeWorker) -> None:
        flags = wire.RAN | wire.STREAMED
        dispatcher.complete(worker, [outcome_of(job, flags=flags) for job in worker.in_flight])

    def test_keep_their_worker_busy_until_they_end(
        self,
        dispatcher: DispatchLoop,
        defer: ManualDefer,
        submit: Submit,
        worker: FakeWorker,
        streaming: Client,
    ) -> None:
        submit("b")
        defer.run()
        assert heads(worker) == [[b"a"]]
        dispatcher.stream_ended(worker, streaming.job.id, 1.0)
        defer.run()
        assert heads(worker) == [[b"a"], [b"b"]]

    def test_come_with_the_outcome(self, worker: FakeWorker, streaming: Client) -> None:
        assert streaming.got_its_own()
        assert streaming.job.stream is worker.streams[streaming.job.id]

    def test_break_when_their_worker_is_lost(
        self, dispatcher: DispatchLoop, worker: FakeWorker, streaming: Client
    ) -> None:
        dispatcher.detach(worker, LOST)
        assert streaming.got_its_own()  # and no second answer
        stream = streaming.job.stream
        assert stream is not None
        with pytest.raises(StreamBroken):
            asyncio.run(stream.next_chunk())

    def test_are_stopped_at_once_when_nobody_waits(
        self, dispatcher: DispatchLoop, defer: ManualDefer, submit: Submit, worker: FakeWorker
    ) -> None:
        (client,) = submit("a")
        defer.run()
        dispatcher.cancel(client.job)
        self.begin(dispatcher, worker)
        assert worker.asked == [f"stop {client.job.id}"]
