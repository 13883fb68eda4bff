"""Workers that are retired: they are handed nothing more and finish what they have."""

from __future__ import annotations

from scoreserve.errors import WorkerLost
from scoreserve.front.queue.dispatcher import Batching
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from tests.front.fakes import Client, FakeWorker, ManualDefer


class Retiring:
    """A dispatcher with one job in the hands of `old`, which is then retired for `new`."""

    def __init__(self) -> None:
        self.defer = ManualDefer()
        self.dispatcher = DispatchLoop(self.defer)
        self.old, self.new = FakeWorker(), FakeWorker()
        self.dispatcher.attach(self.old)
        self.running = self.submit("running")
        self.dispatcher.attach(self.new)
        self.dispatcher.retire(self.old)

    def submit(self, name: str) -> Client:
        client = Client(name)
        self.dispatcher.submit(client.job)
        self.defer.run()
        return client


def test_gets_no_more_jobs_even_when_it_is_idle() -> None:
    retiring = Retiring()
    retiring.dispatcher.complete(retiring.old, retiring.old.answers())
    assert retiring.running.got_its_own()
    clients = [retiring.submit(name) for name in ("a", "b", "c")]
    for _ in clients:
        retiring.dispatcher.complete(retiring.new, retiring.new.answers())
        retiring.defer.run()
    assert all(client.got_its_own() for client in clients)
    assert len(retiring.old.batches) == 1


def test_does_not_count_as_a_worker_that_takes_jobs() -> None:
    retiring = Retiring()
    assert retiring.dispatcher.workers == 1
    retiring.dispatcher.detach(retiring.old, WorkerLost("gone"))
    assert retiring.dispatcher.workers == 1
    retiring.dispatcher.detach(retiring.new, WorkerLost("gone"))
    assert retiring.dispatcher.workers == 0


def test_its_job_ends_with_it_when_it_dies() -> None:
    retiring = Retiring()
    retiring.dispatcher.detach(retiring.old, WorkerLost("gone"))
    assert isinstance(retiring.running.answer, WorkerLost)


def test_a_worker_that_was_never_attached_is_not_missed() -> None:
    retiring = Retiring()
    retiring.dispatcher.retire(FakeWorker())
    assert retiring.dispatcher.workers == 1


def test_any_of_the_jobs_to_merge_may_have_begun_until_the_worker_names_some() -> None:
    defer, worker = ManualDefer(), FakeWorker()
    dispatcher = DispatchLoop(defer)
    dispatcher.batching = Batching(4)
    dispatcher.attach(worker)
    clients = [Client(str(number)) for number in range(3)]
    for client in clients:
        dispatcher.submit(client.job)
    defer.run()
    assert dispatcher.begun(worker) == [client.job for client in clients]
    dispatcher.began(worker, [client.job.id for client in clients[1:]])
    assert dispatcher.begun(worker) == [client.job for client in clients[1:]]
