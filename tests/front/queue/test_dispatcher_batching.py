"""Jobs that are to be merged: how many go to whom, and how long they wait for company."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.errors import WorkerLost
from scoreserve.front.queue.dispatcher import Batching
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from scoreserve.telemetry.records import NO_BATCH
from tests.front.fakes import (
    TURN_SECONDS,
    Client,
    FakeWorker,
    ManualDefer,
    Timers,
    make_fast,
    outcome_of,
)

LOST = WorkerLost("The scoring worker is gone.")
RUN_SECONDS = 100 * TURN_SECONDS  # of which a client is waited for for five
NOBODY = [0] * 6  # turns that bring nobody, one too many


class Front:
    """A dispatcher and what surrounds it."""

    def __init__(
        self, jobs: int, wait_seconds: float = 0.0, workers: int = 1, **options: Any
    ) -> None:
        self.timers = Timers()
        self.defer = ManualDefer(self.timers)
        self.dispatcher = DispatchLoop(self.defer, self.timers.later, self.timers.clock, **options)
        self.dispatcher.batching = Batching(jobs, wait_seconds)
        self.workers = [FakeWorker() for _ in range(workers)]
        for worker in self.workers:
            self.dispatcher.attach(worker)
        self.defer.run()
        self.clients: list[Client] = []

    def submit(self, count: int = 1, *, deferred: bool = True) -> list[Client]:
        clients = [Client(f"job {len(self.clients) + number}") for number in range(count)]
        self.clients += clients
        for client in clients:
            self.dispatcher.submit(client.job)
        if deferred:
            self.defer.run()
        return clients

    def answer(self, worker: FakeWorker, seconds: float = 1e-6) -> None:
        self.dispatcher.complete(worker, worker.answers(seconds))
        self.defer.run()

    def sizes(self, worker: FakeWorker | None = None) -> list[int]:
        """How many jobs the worker was handed at once."""
        return [len(batch) for batch in (worker or self.workers[0]).batches]

    # What happens by numbers, whichever they are.

    def answer_by(self, place: int) -> None:
        self.answer(self.workers[place % len(self.workers)])

    def begin(self, place: int) -> None:
        """A worker begins a run() for some of its jobs."""
        worker = self.workers[place % len(self.workers)]
        self.dispatcher.began(worker, [job.id for job in worker.in_flight[place:]])

    def lose(self, place: int) -> None:
        """A worker is gone, and another takes its place."""
        place %= len(self.workers)
        self.dispatcher.detach(self.workers[place], LOST)
        self.workers[place] = FakeWorker()
        self.dispatcher.attach(self.workers[place])
        self.defer.run()

    def wait(self, milliseconds: int) -> None:
        self.timers.pass_time(milliseconds / 1000)

    def cancel(self, number: int) -> list[Client]:
        """Cancels a job; whoever gets no answer by that."""
        clients = self.clients[number : number + 1]
        for client in clients:
            self.dispatcher.cancel(client.job)
        return [client for client in clients if not client.answers]


EVENTS = {
    "submit": "submit",
    "time": "wait",
    "begin": "begin",
    "answer": "answer_by",
    "lose": "lose",
}


class TestHandingOver:
    def test_an_idle_worker_takes_what_is_queued_at_once(self) -> None:
        front = Front(jobs=64)
        front.submit(10)
        assert front.sizes() == [10]
        assert not front.timers.set

    def test_never_more_than_so_many_at_once(self) -> None:
        front = Front(jobs=4)
        front.submit(10)
        for _ in range(3):
            front.answer(front.workers[0])
        assert front.sizes() == [4, 4, 2]
        assert all(client.got_its_own() for client in front.clients)

    def test_those_of_a_batch_are_not_handed_ahead(self) -> None:
        told: list[int] = []
        front = Front(jobs=4, handed_ahead=told.append)
        front.submit(4)
        assert front.sizes() == [4]
        assert told == []

    def test_a_full_batch_is_handed_over_before_the_last_one_is_answered(self) -> None:
        front = Front(jobs=2)
        (first, _), (last, _) = front.submit(2), front.submit(2)
        worker = front.workers[0]
        held: list[int] = []
        first.on_answer = lambda: held.append(len(worker.in_flight))
        front.answer(worker)
        assert held == [2]
        assert worker.in_flight[0].id == last.job.id

    def test_fewer_wait_for_those_who_are_being_answered(self) -> None:
        front = Front(jobs=3)
        first, *_ = front.submit(3)
        front.submit(2)
        worker = front.workers[0]
        held: list[int] = []
        first.on_answer = lambda: held.append(len(worker.in_flight))
        front.answer(worker)
        assert held == [0]
        assert front.sizes() == [3, 2]

    @pytest.mark.parametrize(
        ("turns", "handed"),
        [([4], 4), ([2, 1, 1], 4), ([1, 0, 2, 0, 1], 4), ([2, *NOBODY, 2], 2), ([3, 3, 3], 6)],
        ids=["all at once", "as they come", "with pauses", "not for ever", "nor for any others"],
    )
    def test_clients_that_were_answered_together_are_waited_for_while_they_come(
        self, turns: list[int], handed: int
    ) -> None:
        """`handed`: to the worker, when the loop has had as many turns as bring clients."""
        front = Front(jobs=8)
        (worker,) = front.workers
        front.submit(4)
        front.timers.pass_time(RUN_SECONDS)
        front.dispatcher.complete(worker, worker.answers())
        for clients in turns:
            front.submit(clients, deferred=False)
            front.defer.turn()
        assert len(worker.in_flight) == handed
        front.defer.run()
        assert front.dispatcher.queued + len(worker.in_flight) == sum(turns)

    def test_one_is_waited_for_where_others_are_queued(self) -> None:
        """Two clients that take turns would never share a run()."""
        front = Front(jobs=8)
        front.submit(1)
        front.submit(1)
        (worker,) = front.workers
        front.timers.pass_time(RUN_SECONDS)
        front.dispatcher.complete(worker, worker.answers())
        front.defer.turn()
        front.submit(1)
        assert front.sizes() == [1, 2]

    def test_nobody_is_waited_for_who_was_answered_alone(self) -> None:
        front = Front(jobs=8)
        front.submit(1)
        (worker,) = front.workers
        front.timers.pass_time(RUN_SECONDS)
        front.dispatcher.complete(worker, worker.answers())
        assert not front.defer.pending
        front.submit(1, deferred=False)
        front.defer.turn()
        assert len(worker.in_flight) == 1

    def test_nobody_is_waited_for_while_the_worker_has_others_to_do(self) -> None:
        front = Front(jobs=8)
        front.submit(4)
        (worker,) = front.workers
        front.timers.pass_time(RUN_SECONDS)
        outcomes = worker.answers()
        front.dispatcher.complete(worker, outcomes[:2])
        assert not front.defer.pending
        front.dispatcher.complete(worker, outcomes[2:])
        assert front.defer.pending

    def test_a_busy_worker_gets_nothing_however_fast_it_is(self) -> None:
        front = Front(jobs=4)
        for _ in range(500):
            front.submit(1)
            front.answer(front.workers[0], seconds=1e-6)
        front.submit(1)
        front.submit(3)
        assert front.sizes()[-1] == 1
        assert front.dispatcher.queued == 3
        front.answer(front.workers[0])
        assert front.sizes()[-1] == 3

    def test_a_worker_that_has_answered_a_part_is_not_idle(self) -> None:
        front = Front(jobs=4)
        front.submit(6)
        (worker,) = front.workers
        front.dispatcher.complete(worker, worker.answers()[:3])
        front.defer.run()
        assert front.sizes() == [4]
        assert front.dispatcher.queued == 2

    def test_idle_workers_share(self) -> None:
        front = Front(jobs=64, workers=3)
        front.submit(10)
        assert sorted(front.sizes(worker)[0] for worker in front.workers) == [3, 3, 4]

    def test_an_idle_worker_leaves_nothing_for_a_busy_one(self) -> None:
        """Who is busy cannot take its share; the jobs would wait for nothing."""
        front = Front(jobs=64, workers=2)
        front.submit(1)
        front.submit(10)
        idle = max(front.workers, key=lambda worker: len(worker.in_flight))
        assert front.sizes(idle) == [10]
        assert front.dispatcher.queued == 0


class TestCompany:
    def test_jobs_wait_for_company_from_the_oldest_on(self) -> None:
        front = Front(jobs=4, wait_seconds=0.010)
        front.submit(1)
        front.timers.pass_time(0.006)
        front.submit(1)
        front.timers.pass_time(0.0039)
        assert front.sizes() == []
        front.timers.pass_time(0.0002)
        assert front.sizes() == [2]
        assert not front.timers.set

    def test_a_full_batch_goes_at_once(self) -> None:
        front = Front(jobs=4, wait_seconds=60)
        front.submit(3)
        assert front.sizes() == []
        front.submit(1)
        assert front.sizes() == [4]
        front.timers.pass_time(60)
        assert front.sizes() == [4]

    def test_what_is_left_waits_from_its_own_arrival_on(self) -> None:
        front = Front(jobs=4, wait_seconds=0.010)
        front.submit(3)
        front.timers.pass_time(0.008)
        front.submit(2)
        front.answer(front.workers[0])
        front.timers.pass_time(0.009)
        assert front.sizes() == [4]
        front.timers.pass_time(0.0011)
        assert front.sizes() == [4, 1]

    def test_jobs_that_waited_behind_a_busy_worker_go_at_once(self) -> None:
        front = Front(jobs=4, wait_seconds=0.010)
        front.submit(4)
        front.submit(1)
        front.timers.pass_time(5)
        assert front.sizes() == [4]
        front.answer(front.workers[0])
        assert front.sizes() == [4, 1]

    def test_one_timer_is_enough(self) -> None:
        front = Front(jobs=100, wait_seconds=0.010)
        for _ in range(50):
            front.submit(1)
        assert len(front.timers.set) == 1

    def test_when_the_oldest_is_cancelled_the_next_has_its_own_time(self) -> None:
        front = Front(jobs=4, wait_seconds=0.010)
        (gone,) = front.submit(1)
        front.timers.pass_time(0.008)
        front.submit(1)
        front.dispatcher.cancel(gone.job)
        front.timers.pass_time(0.009)
        assert front.sizes() == []
        front.timers.pass_time(0.0011)
        assert front.sizes() == [1]
        assert gone.answers == []

    def test_a_timer_for_jobs_that_are_gone_does_nothing(self) -> None:
        front = Front(jobs=4, wait_seconds=0.010)
        for client in front.submit(2):
            front.dispatcher.cancel(client.job)
        front.timers.pass_time(1)
        assert front.sizes() == []

    def test_no_worker_no_loss(self) -> None:
        front = Front(jobs=4, wait_seconds=0.010, workers=0)
        front.submit(2)
        front.timers.pass_time(1)
        worker = FakeWorker()
        front.dispatcher.attach(worker)
        front.defer.run()
        assert front.sizes(worker) == [2]


class TestLosingAWorker:
    """Of jobs that share a run() nobody knows which one the worker died of."""

    @staticmethod
    def lose(front: Front, *, began: Sequence[int] = (), again: bool = True) -> FakeWorker:
        """The worker ends after it began a run() for these of its jobs; its replacement."""
        (worker,) = front.workers
        ids = [job.id for job in worker.batches[-1]]
        if began:
            front.dispatcher.began(worker, [ids[place] for place in began])
        front.dispatcher.detach(worker, LOST, again=again)
        front.workers[0] = FakeWorker()
        front.dispatcher.attach(front.workers[0])
        front.defer.run()
        return front.workers[0]

    def test_merged_jobs_are_run_again_each_by_itself_and_others_together(self) -> None:
        front = Front(jobs=4)
        front.submit(7)
        worker = self.lose(front, began=[0, 1, 2])
        while front.dispatcher.queued or worker.in_flight:
            front.answer(worker)
        assert front.sizes(worker) == [1, 1, 1, 4]
        assert all(client.got_its_own() for client in front.clients)

    def test_the_one_that_ends_a_second_worker_is_it(self) -> None:
        front = Front(jobs=4)
        front.submit(4)
        worker = self.lose(front, began=[0, 1, 2, 3])
        front.answer(worker)
        worker = self.lose(front, began=[0])
        while front.dispatcher.queued or worker.in_flight:
            front.answer(worker)
        assert front.clients[1].answers == [LOST]
        assert all(front.clients[place].got_its_own() for place in (0, 2, 3))

    def test_a_run_of_one_job_is_known(self) -> None:
        front = Front(jobs=4)
        front.submit(4)
        worker = self.lose(front, began=[2])
        front.answer(worker)
        assert front.clients[2].answers == [LOST]
        assert front.sizes(worker) == [3]

    def test_merged_jobs_that_were_too_slow_are_not_run_again(self) -> None:
        front = Front(jobs=4)
        front.submit(4)
        worker = self.lose(front, began=[0, 1], again=False)
        front.answer(worker)
        assert [client.answers for client in front.clients[:2]] == [[LOST], [LOST]]
        assert all(client.got_its_own() for client in front.clients[2:])

    def test_those_already_answered_keep_their_answer(self) -> None:
        front = Front(jobs=4)
        front.submit(4)
        (worker,) = front.workers
        front.dispatcher.complete(worker, worker.answers()[1:3])
        replacement = self.lose(front, began=[0, 1, 2, 3])
        for _ in range(2):
            front.answer(replacement)
        assert all(client.got_its_own() for client in front.clients)
        assert front.sizes(replacement) == [1, 1]

    def test_a_job_that_nobody_waits_for_is_not_run_again(self) -> None:
        front = Front(jobs=4)
        front.submit(3)
        front.cancel(1)
        worker = self.lose(front, began=[0, 1, 2])
        for _ in range(2):
            front.answer(worker)
        assert front.clients[1].answers == []
        assert front.sizes(worker) == [1, 1]

    def test_jobs_that_are_run_by_themselves_wait_for_no_company(self) -> None:
        front = Front(jobs=4, wait_seconds=60)
        front.submit(4)
        worker = self.lose(front, began=[0, 1, 2, 3])
        assert front.sizes(worker) == [1]

    def test_jobs_not_begun_are_not_blamed_for_what_the_worker_died_of_meanwhile(self) -> None:
        """It answers the first of a batch, and then compares what they give merged."""
        front = Front(jobs=4)
        front.submit(3)
        (worker,) = front.workers
        ids = [job.id for job in worker.batches[-1]]
        front.dispatcher.began(worker, ids[:2])
        front.dispatcher.complete(worker, worker.answers()[:2])
        replacement = self.lose(front)
        front.answer(replacement)
        assert all(client.got_its_own() for client in front.clients)

    def test_a_job_by_itself_is_not_blamed_for_it_either(self) -> None:
        """The worker still compares what others give merged, and has said nothing of this job."""
        front = Front(jobs=4, workers=2)
        front.submit(8)
        first, second = front.workers
        front.dispatcher.began(first, [job.id for job in first.in_flight])
        front.lose(0)  # its jobs are by themselves from now on
        busy = front.workers[0]
        front.dispatcher.began(second, [second.in_flight[-1].id])
        front.answer(second)  # and is handed one of them, while it compares
        front.dispatcher.began(second, [])
        front.lose(1)
        for _ in range(20):
            front.answer(busy)
            front.answer(front.workers[1])
        assert all(client.got_its_own() for client in front.clients)

    def test_jobs_are_run_again_whole_when_new_workers_no_longer_merge(self) -> None:
        front = Front(jobs=4)
        front.dispatcher.batching = Batching(1)  # as the newest worker says
        worker = front.workers[0]
        make_fast(front.dispatcher, front.defer, worker)  # so it is handed several at once
        clients = [Client(f"job {number}", body=b"body") for number in range(2)]
        front.clients += clients
        for client in clients:
            front.dispatcher.submit(client.job)
        front.defer.run()
        replacement = self.lose(front, began=range(len(worker.batches[-1])))
        while front.dispatcher.queued or replacement.in_flight:
            assert {job.body for job in replacement.in_flight} == {b"body"}
            front.answer(replacement)

    @pytest.mark.parametrize("killer", [0, 2, 3])
    def test_a_job_that_ends_the_worker_before_any_run_begins_is_found(self, killer: int) -> None:
        """As one whose body cannot be held in memory; no other may end with it."""
        front = Front(jobs=4)
        front.submit(4)
        name = front.clients[killer].name
        worker = front.workers[0]
        for _ in range(20):
            if any(job.head == name for job in worker.in_flight):
                worker = self.lose(front)
            else:
                front.answer(worker)
        assert front.clients[killer].answers == [LOST]
        assert sum(client.got_its_own() for client in front.clients) == 3


@given(
    st.integers(2, 6),
    st.sampled_from([0.0, 0.010]),
    st.integers(1, 3),
    st.lists(
        st.one_of(
            st.tuples(st.just("submit"), st.integers(1, 8)),
            st.tuples(st.just("time"), st.integers(1, 20)),
            st.tuples(st.just("answer"), st.integers(0, 2)),
            st.tuples(st.just("cancel"), st.integers(0, 40)),
            st.tuples(st.just("begin"), st.integers(0, 2)),
            st.tuples(st.just("lose"), st.integers(0, 2)),
        ),
        max_size=40,
    ),
)
def test_every_job_ends_once_whatever_happens(
    jobs: int, wait_seconds: float, workers: int, events: list[tuple[str, int]]
) -> None:
    front = Front(jobs, wait_seconds, workers)
    cancelled: list[Client] = []
    for event, number in events:
        if event == "cancel":
            cancelled += front.cancel(number)
        else:
            getattr(front, EVENTS[event])(number)
        assert all(len(worker.in_flight) <= jobs for worker in front.workers)
    for _ in range(len(front.clients) + 1):
        front.timers.pass_time(1)
        for place in range(workers):
            front.answer_by(place)
    for client in front.clients:
        if client in cancelled:
            assert client.answers == []
        else:
            assert client.answer is LOST or client.got_its_own()


@pytest.mark.parametrize("wait_seconds", [0.0, 0.010])
def test_without_batching_nothing_waits(wait_seconds: float) -> None:
    front = Front(1, wait_seconds)
    front.submit(1)
    assert front.sizes() == [1]


class TestSharedRuns:
    """Jobs are told with whom their run() was shared, where somebody wants to know."""

    @pytest.fixture
    def front(self) -> Front:
        front = Front(4)
        front.dispatcher.batching = Batching(4, way="rows")
        front.dispatcher.note_batches()
        return front

    def answer(self, front: Front, *places: int) -> None:
        """The worker answers these of its jobs together."""
        (worker,) = front.workers
        sent = [worker.in_flight[place] for place in places]
        worker.in_flight = [job for job in worker.in_flight if job not in sent]
        front.dispatcher.complete(worker, [outcome_of(job) for job in sent])
        front.defer.run()

    def batches(self, clients: Sequence[Client]) -> list[tuple[int, int, int]]:
        """Of each client's job: the job that its batch is named after, jobs and rows."""
        return [client.job.batch[1:] for client in clients]

    def test_all_that_are_answered_together(self, front: Front) -> None:
        clients = front.submit(3)
        front.dispatcher.merged(front.workers[0], 12)
        self.answer(front, 2, 0, 1)  # in any order
        assert self.batches(clients) == 3 * [(1, 3, 12)]

    def test_those_that_the_worker_has_named(self, front: Front) -> None:
        clients = front.submit(4)
        ids = [client.job.id for client in clients]
        front.dispatcher.began(front.workers[0], ids[:2])
        self.answer(front, 0, 1)
        front.dispatcher.began(front.workers[0], ids[2:3])
        self.answer(front, 0)
        front.dispatcher.began(front.workers[0], ids[3:])
        self.answer(front, 0)
        assert self.batches(clients) == [*2 * [(1, 2, 0)], *2 * [NO_BATCH[1:]]]

    def test_not_those_that_were_refused_unread(self, front: Front) -> None:
        clients = front.submit(3)
        self.answer(front, 0)
        front.dispatcher.began(front.workers[0], [clients[1].job.id, clients[2].job.id])
        self.answer(front, 0, 1)
        assert self.batches(clients) == [NO_BATCH[1:], *2 * [(2, 2, 0)]]

    def test_not_calls_that_meet_in_a_model(self, front: Front) -> None:
        front.dispatcher.batching = Batching(4, way="model")
        clients = front.submit(3)
        self.answer(front, 0, 1, 2)
        assert self.batches(clients) == 3 * [NO_BATCH[1:]]

    def test_nor_where_nobody_wants_to_know(self) -> None:
        front = Front(4)
        front.dispatcher.batching = Batching(4, way="rows")
        clients = front.submit(3)
        self.answer(front, 0, 1, 2)
        assert self.batches(clients) == 3 * [NO_BATCH[1:]]
