"""Workers that send a stream: they get no jobs, and give back those that they had not begun."""

from __future__ import annotations

from scoreserve import wire
from scoreserve.front.workers.dispatch_loop import DispatchLoop
from tests.front.fakes import Client, FakeWorker, ManualDefer, make_fast, outcome_of


class Front:
    """A dispatcher with two workers of a fast script, the first of which sends a stream."""

    def __init__(self) -> None:
        self.defer = ManualDefer()
        self.dispatch = DispatchLoop(self.defer)
        self.streaming, self.other = FakeWorker(), FakeWorker()
        self.dispatch.attach(self.streaming)
        make_fast(self.dispatch, self.defer, self.streaming)
        self.stream = Client("stream")
        self.behind = [Client(f"behind {number}") for number in range(3)]
        for client in (self.stream, *self.behind):
            self.dispatch.submit(client.job)
        self.defer.run()
        assert len(self.streaming.in_flight) == 4
        first = self.streaming.in_flight.pop(0)
        streamed = outcome_of(first, 1e-6, flags=wire.RAN | wire.STREAMED)
        self.dispatch.complete(self.streaming, [streamed])
        self.dispatch.attach(self.other)

    def end_stream(self) -> None:
        self.dispatch.stream_ended(self.streaming, self.stream.job.id, 1e-6)
        self.defer.run()


def test_no_job_is_handed_to_one_that_streams() -> None:
    front = Front()
    clients = [Client(f"later {number}") for number in range(20)]
    for client in clients:
        front.dispatch.submit(client.job)
    front.defer.run()
    assert not front.streaming.batches[1:]
    while front.other.in_flight or front.dispatch.queued:
        front.dispatch.complete(front.other, front.other.answers())
        front.defer.run()
    assert all(client.got_its_own() for client in clients)


def test_what_it_gives_back_goes_to_another_first() -> None:
    front = Front()
    later = Client("later")
    front.dispatch.submit(later.job)
    back = [job.id for job in front.streaming.in_flight]
    front.streaming.in_flight.clear()
    front.dispatch.returned(front.streaming, back)
    front.defer.run()
    assert [job.head for job in front.other.in_flight] == [
        *(client.job.head for client in front.behind),
        later.job.head,
    ]
    front.dispatch.complete(front.other, front.other.answers())
    assert all(client.got_its_own() for client in (*front.behind, later))


def test_what_is_given_back_waits_while_there_is_no_other() -> None:
    front = Front()
    front.dispatch.retire(front.other)
    back = [job.id for job in front.streaming.in_flight]
    front.streaming.in_flight.clear()
    front.dispatch.returned(front.streaming, back)
    front.defer.run()
    assert front.dispatch.queued == 3
    front.end_stream()
    front.dispatch.complete(front.streaming, front.streaming.answers())
    assert all(client.got_its_own() for client in front.behind)


def test_once_it_has_ended_jobs_are_handed_over_again() -> None:
    front = Front()
    front.dispatch.retire(front.other)
    front.streaming.in_flight.clear()
    client = Client("later")
    front.dispatch.submit(client.job)
    front.defer.run()
    assert not front.streaming.in_flight
    front.end_stream()
    assert [job.head for job in front.streaming.in_flight] == [client.job.head]
