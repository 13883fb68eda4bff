"""The dispatcher's limits: how many jobs wait, for how long, and what those leave who leave."""

from __future__ import annotations

import pytest

from scoreserve.errors import QueueFull, QueueTimeout, ReplyError, WorkerLost
from scoreserve.front.queue.dispatcher import Batching
from scoreserve.front.queue.limits import QueueLimits
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from tests.front.fakes import Client, FakeWorker, ManualDefer, Timers, make_fast

LOST = WorkerLost("The scoring worker is gone.")


class Front:
    """A dispatcher that lets so many jobs wait, for 1 s, and what surrounds it."""

    def __init__(self, jobs: int = 3) -> None:
        self.defer, self.timers = ManualDefer(), Timers()
        self.dispatcher = DispatchLoop(
            self.defer, self.timers.later, self.timers.clock, QueueLimits(jobs, wait_ms=1000)
        )

    def attach(self) -> FakeWorker:
        worker = FakeWorker()
        self.dispatcher.attach(worker)
        self.defer.run()
        return worker

    def submit(self, count: int = 1) -> list[Client]:
        clients = [Client(f"job {number}", b"body") for number in range(count)]
        for client in clients:
            self.dispatcher.submit(client.job)
        return clients

    def refusal(self) -> QueueFull:
        with pytest.raises(QueueFull) as caught:
            self.submit()
        return caught.value

    def answer(self, worker: FakeWorker) -> None:
        self.dispatcher.complete(worker, worker.answers())
        self.defer.run()


@pytest.fixture
def front() -> Front:
    return Front()


def retry_after(error: ReplyError) -> int:
    return int(dict(error.extra)[b"retry-after"])


class TestRoom:
    def test_one_more_than_may_wait_is_refused(self, front: Front) -> None:
        clients = front.submit(3)
        error = front.refusal()
        assert (error.status, error.shed) == (503, "queue_full")
        worker = front.attach()
        for _ in clients:
            front.answer(worker)
        assert all(client.got_its_own() for client in clients)

    def test_those_that_a_worker_takes_in_the_same_moment_do_not_count(self, front: Front) -> None:
        worker = front.attach()
        front.submit(4)
        assert len(worker.in_flight) == 1
        front.refusal()

    def test_there_is_room_again_when_a_job_is_handed_over(self, front: Front) -> None:
        worker = front.attach()
        front.submit(4)
        front.refusal()
        front.answer(worker)
        front.submit()
        front.refusal()

    def test_those_whose_clients_left_do_not_count(self, front: Front) -> None:
        client, *_ = front.submit(3)
        front.dispatcher.cancel(client.job)
        front.submit()
        front.refusal()

    def test_those_that_a_lost_worker_gives_back_are_never_refused(self) -> None:
        front = Front(jobs=200)
        lost = front.attach()
        make_fast(front.dispatcher, front.defer, lost)
        front.dispatcher._dispatcher.admission._limits = QueueLimits(3)
        clients = front.submit(10)
        front.defer.run()
        assert len(lost.in_flight) == 10
        front.dispatcher.detach(lost, LOST)
        assert front.dispatcher.queued == 9
        assert [client.answers for client in clients[1:]] == [[]] * 9

    def test_batches_are_not_waited_for_that_there_is_no_room_for(self, front: Front) -> None:
        front.dispatcher.batching = Batching(32, wait_seconds=0.5)
        worker = front.attach()
        front.submit(3)
        front.defer.run()
        assert len(worker.in_flight) == 3

    def test_without_a_limit_of_the_users_a_fast_script_has_a_longer_queue(self) -> None:
        front = Front(jobs=0)
        worker = front.attach()
        for _ in range(10):
            front.submit()
            front.defer.run()
            front.timers.pass_time(0.001)
            front.answer(worker)
        front.submit(500)
        front.defer.run()
        front.timers.pass_time(0.5)  # and all at once it is fast no more
        front.submit()
        front.defer.run()
        front.refusal()


class TestRetryAfter:
    def test_is_how_long_the_queue_takes(self, front: Front) -> None:
        worker = front.attach()
        for _ in range(2):
            front.submit()
            front.defer.run()
            front.timers.pass_time(0.9)
            front.answer(worker)
        front.submit(4)
        assert retry_after(front.refusal()) == 3  # three of 0.9 s

    def test_is_long_while_a_first_job_does_not_end(self, front: Front) -> None:
        front.dispatcher = DispatchLoop(
            front.defer, front.timers.later, front.timers.clock, QueueLimits(3, wait_ms=0)
        )
        front.attach()
        front.submit(4)
        front.timers.pass_time(20)
        assert retry_after(front.refusal()) == 60


class TestDeadline:
    def test_a_job_that_waited_too_long_is_refused_and_never_sent(self, front: Front) -> None:
        worker = front.attach()
        running, late = front.submit(2)
        front.defer.run()
        front.timers.pass_time(1.001)
        assert isinstance(late.answer, QueueTimeout)
        assert (late.answer.status, late.answer.shed) == (503, "deadline")
        front.answer(worker)
        assert running.got_its_own()
        assert len(worker.batches) == 1

    def test_each_has_a_time_of_its_own(self, front: Front) -> None:
        (first,) = front.submit()
        front.timers.pass_time(0.5)
        (second,) = front.submit()
        front.defer.run()
        front.timers.pass_time(0.6)
        assert isinstance(first.answer, QueueTimeout)
        assert second.answers == []
        front.timers.pass_time(0.5)
        assert isinstance(second.answer, QueueTimeout)

    def test_it_is_looked_at_again_when_jobs_are_handed_over(self, front: Front) -> None:
        """A busy event loop may come to the timer late."""
        (late,) = front.submit()
        front.defer.run()
        front.timers.now += 1.0
        (fresh,) = front.submit()
        worker = front.attach()
        assert isinstance(late.answer, QueueTimeout)
        assert [job.head for job in worker.in_flight] == [fresh.name]

    def test_it_holds_for_jobs_that_a_lost_worker_gives_back(self, front: Front) -> None:
        lost = front.attach()
        make_fast(front.dispatcher, front.defer, lost)
        front.timers.pass_time(2)
        _, again = front.submit(2)
        front.defer.run()
        front.timers.pass_time(0.5)
        front.dispatcher.detach(lost, LOST)
        front.defer.run()
        assert again.answers == []
        front.timers.pass_time(0.6)
        assert isinstance(again.answer, QueueTimeout)

    def test_one_timer_is_set_for_all(self, front: Front) -> None:
        front.submit(3)
        front.defer.run()
        assert len(front.timers.set) == 1


class TestClientsThatLeft:
    def test_leave_no_body_behind(self, front: Front) -> None:
        client, *_ = front.submit(3)
        front.dispatcher.cancel(client.job)
        assert not client.job.chunks

    def test_leave_no_places_behind_when_most_do(self) -> None:
        front = Front(jobs=100)
        clients = front.submit(100)
        for client in clients[:80]:
            front.dispatcher.cancel(client.job)
        assert front.dispatcher.queued == 20
        assert len(front.dispatcher._dispatcher._queue) <= 40
        worker = front.attach()
        for _ in range(20):
            front.answer(worker)
        assert all(client.got_its_own() for client in clients[80:])

    def test_do_not_keep_a_worker_from_the_others(self, front: Front) -> None:
        first, second, third = front.submit(3)
        front.dispatcher.cancel(first.job)
        worker = front.attach()
        assert [job.head for job in worker.in_flight] == [second.name]
        front.answer(worker)
        assert [job.head for job in worker.in_flight] == [third.name]


class TestHowLongItTook:
    """From being queued to the outcome, whatever came between."""

    def test_is_told_with_each_outcome(self, front: Front) -> None:
        worker = front.attach()
        first, second = front.submit(2)
        front.defer.run()
        front.timers.pass_time(0.25)
        front.answer(worker)
        front.timers.pass_time(0.5)
        front.answer(worker)
        assert (first.seconds, second.seconds) == (0.25, 0.75)

    def test_counts_the_time_with_a_worker_that_was_lost(self, front: Front) -> None:
        lost = front.attach()
        guilty, *_ = front.submit()
        front.defer.run()
        front.timers.pass_time(0.25)
        waiting, *_ = front.submit()
        front.dispatcher.detach(lost, LOST)
        assert (guilty.seconds, guilty.answer) == (0.25, LOST)
        front.timers.pass_time(0.5)
        front.answer(front.attach())
        assert waiting.seconds == 0.5

    def test_is_the_limit_for_one_that_waited_too_long(self, front: Front) -> None:
        client, *_ = front.submit()
        front.defer.run()
        front.timers.pass_time(1)
        assert client.seconds == pytest.approx(1, abs=1e-5)
