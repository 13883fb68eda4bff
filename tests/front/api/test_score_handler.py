"""The scoring handler: requests become jobs, outcomes become replies."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from scoreserve import heads
from scoreserve.errors import NotReady, Stopping, WorkerLost
from scoreserve.front.api.score_handler import ReplyTo
from scoreserve.front.messages.replies import Reply
from scoreserve.front.workers.worker_process import Script
from scoreserve.heads import RequestHead
from tests.front.conftest import FakeFront
from tests.front.fakes import request_head


class Asked(ReplyTo):
    """What a request handed straight to the scoring handler is answered."""

    def __init__(self, front: FakeFront, head: RequestHead, body: bytes = b"") -> None:
        self.replies: list[Reply] = []
        self.job = front.parts.handler.submit(head, [body], self)

    def answer(self, reply: Reply) -> None:
        self.replies.append(reply)

    @property
    def reply(self) -> Reply:
        """The one reply."""
        (reply,) = self.replies
        return reply


@pytest.fixture(autouse=True)
def a_ready_worker(front: FakeFront) -> None:
    front.attach()


def test_the_worker_gets_head_and_body(front: FakeFront) -> None:
    head = request_head(query="a=1", content_type="text/plain", x_request_id="mine")
    Asked(front, head, b"body")
    front.hand_over()
    (job,) = front.worker.in_flight
    assert heads.decode_head(job.head) == replace(head, request_id=b"mine")
    assert job.body == b"body"


def test_the_reply_carries_the_requests_own_ids(front: FakeFront) -> None:
    asked = [Asked(front, request_head(x_request_id=name)) for name in ("a", "b", "c")]
    for _ in asked:
        front.hand_over()
        front.answer()
    assert [dict(each.reply.headers)[b"x-request-id"] for each in asked] == [b"a", b"b", b"c"]


def test_a_request_during_init_is_answered_at_once() -> None:
    front = FakeFront()
    front.workers.error = NotReady("The scoring worker is running init() (0.5 s so far).")
    asked = Asked(front, request_head())
    assert asked.job is None
    assert asked.reply.status == 502
    assert "init()" in json.loads(asked.reply.body)["message"]


def test_ids_that_are_too_long_never_reach_the_worker(front: FakeFront) -> None:
    asked = Asked(front, request_head(x_request_id="a" * 101))
    assert asked.job is None
    assert asked.reply.status == 431
    assert front.dispatcher.queued == 0


def test_a_zero_byte_in_the_head_never_reaches_the_worker(front: FakeFront) -> None:
    asked = Asked(front, request_head(x_name="a\0b"))
    assert asked.job is None
    assert asked.reply.status == 400


def test_options_is_answered_here_unless_run_takes_requests_as_they_are(front: FakeFront) -> None:
    asked = Asked(front, request_head("OPTIONS"))
    assert asked.job is None
    assert asked.reply.status == 200
    front.workers.script = Script(raw=True)
    assert Asked(front, request_head("OPTIONS")).job is not None


def test_a_lost_worker_is_told_to_the_client(front: FakeFront) -> None:
    asked = Asked(front, request_head(x_request_id="a"))
    front.hand_over()
    front.dispatcher.detach(front.worker, WorkerLost("The scoring worker was killed by SIGSEGV."))
    assert asked.reply.status == 502
    assert json.loads(asked.reply.body) == {"message": "The scoring worker was killed by SIGSEGV."}
    assert dict(asked.reply.headers)[b"x-request-id"] == b"a"


def test_a_cancelled_request_is_answered_never(front: FakeFront) -> None:
    asked = Asked(front, request_head())
    assert asked.job is not None
    front.parts.handler.cancel(asked.job)
    front.hand_over()
    assert front.worker.in_flight == []
    assert asked.replies == []


class TestFailures:
    """What the page at /status is told."""

    def told(self, front: FakeFront) -> list[tuple[str, int, str]]:
        latest = front.parts.failures.latest()
        return [(each.request_id, each.status, each.error) for each in latest]

    def answer(self, front: FakeFront, status: int, failure: str = "") -> None:
        front.hand_over()
        (outcome,) = front.worker.answers()
        outcome.status, outcome.failure = status, failure
        front.dispatcher.complete(front.worker, [outcome])

    def test_the_script_raises(self, front: FakeFront) -> None:
        Asked(front, request_head(x_request_id="mine"))
        self.answer(front, 500, "ValueError: no")
        assert self.told(front) == [("mine", 500, "ValueError: no")]

    def test_the_script_answers_so_itself(self, front: FakeFront) -> None:
        for name, status in (("good", 200), ("wrong", 400), ("busy", 503)):
            Asked(front, request_head(x_request_id=name))
            self.answer(front, status)
        (told,) = self.told(front)
        assert told[:2] == ("busy", 503)

    def test_the_worker_dies(self, front: FakeFront) -> None:
        Asked(front, request_head(x_request_id="mine"))
        front.hand_over()
        lost = WorkerLost("The scoring worker exited with code 7 while running this request.")
        front.dispatcher.detach(front.worker, lost)
        assert self.told(front) == [("mine", 502, lost.message)]

    def test_are_not_what_was_turned_away(self, front: FakeFront) -> None:
        Asked(front, request_head())
        front.dispatcher.fail_all(Stopping())
        assert self.told(front) == []
