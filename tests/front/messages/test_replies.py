"""Replies: what every answer carries, and how errors look."""

from __future__ import annotations

import json

import pytest

from scoreserve import wire
from scoreserve.errors import BodyTooLarge, NoSuchPath, ReplyError, WorkerLost
from scoreserve.front.messages.replies import Replies, Reply, bare_error
from scoreserve.wire import Outcome
from tests.front.fakes import HEAD, request_head

REQUEST = request_head(x_request_id="a")
TOO_LONG = request_head(x_request_id="a" * 101, traceid="t")


@pytest.fixture
def replies() -> Replies:
    return Replies("scoreserve/1")


def headers(reply: Reply) -> dict[bytes, bytes]:
    """The headers of a reply, each of which is there once."""
    assert len(dict(reply.headers)) == len(reply.headers)
    return dict(reply.headers)


class TestOutcome:
    def test_has_its_own_headers_the_servers_and_the_ids(self, replies: Replies) -> None:
        outcome = Outcome(1, 201, HEAD, b"[1]", 0.0123456, wire.RAN)
        reply = replies.outcome(replies.common(REQUEST)[1], outcome, 0.02)
        assert (reply.status, reply.body) == (201, b"[1]")
        assert headers(reply) == {
            b"content-type": b"application/json",
            b"x-ms-server-version": b"scoreserve/1",
            b"x-request-id": b"a",
            b"x-ms-request-id": b"a",
            b"x-ms-run-fn-exec-ms": b"12.346",
            b"server-timing": b"queue;dur=7.654, run;dur=12.346, total;dur=20.000",
            b"content-length": b"3",
        }

    def test_that_did_not_come_of_run_has_no_run_time(self, replies: Replies) -> None:
        reply = replies.outcome(replies.common(REQUEST)[1], Outcome(1, 400, HEAD, b"{}"), 0.02)
        assert b"x-ms-run-fn-exec-ms" not in headers(reply)

    def test_values_may_contain_colons(self, replies: Replies) -> None:
        outcome = Outcome(1, 200, b"location: http://a: b\r\nx-empty: \r\n", b"")
        found = headers(replies.outcome(replies.common(REQUEST)[1], outcome, 0.02))
        assert (found[b"location"], found[b"x-empty"]) == (b"http://a: b", b"")

    def test_equal_heads_do_not_share_their_headers(self, replies: Replies) -> None:
        """A reply's list of headers is its own, however it was made."""
        outcome = Outcome(1, 200, HEAD, b"")
        replies.outcome(replies.common(REQUEST)[1], outcome, 0.02).headers.append((b"x-added", b""))
        assert b"x-added" not in headers(replies.outcome(replies.common(REQUEST)[1], outcome, 0.02))

    @pytest.mark.parametrize("failed", [True, False])
    def test_of_a_lost_worker_is_an_error(self, replies: Replies, failed: bool) -> None:
        error = WorkerLost("gone") if failed else BodyTooLarge(5)
        reply = replies.outcome(replies.common(REQUEST)[1], error, 0.02)
        assert reply.status == error.status
        assert json.loads(reply.body) == {"message": error.message}
        found = headers(reply)
        assert found[b"x-ms-run-function-failed"] == str(failed).encode()
        assert found[b"x-request-id"] == b"a"
        assert found[b"content-length"] == b"%d" % len(reply.body)


class TestError:
    def test_carries_the_ids(self, replies: Replies) -> None:
        reply = replies.error(REQUEST, BodyTooLarge(5))
        assert reply.status == 413
        assert headers(reply)[b"x-request-id"] == b"a"

    def test_gives_way_to_ids_that_are_too_long(self, replies: Replies) -> None:
        reply = replies.error(TOO_LONG, BodyTooLarge(5))
        assert reply.status == 431
        found = headers(reply)
        assert found[b"traceid"] == b"t"
        assert found[b"x-ms-server-version"] == b"scoreserve/1"
        assert b"x-request-id" not in found

    def test_outside_our_routes_has_neither_ids_nor_version(self) -> None:
        reply = bare_error(NoSuchPath())
        assert set(headers(reply)) == {
            b"content-type",
            b"x-ms-run-function-failed",
            b"content-length",
        }

    def test_quotes_in_a_message_stay_json(self) -> None:
        assert json.loads(bare_error(ReplyError('a "b"\n')).body) == {"message": 'a "b"\n'}


class TestOk:
    def test_is_a_200_with_that_body(self, replies: Replies) -> None:
        reply = replies.ok(REQUEST, b"text/html", b"Healthy")
        assert (reply.status, reply.body) == (200, b"Healthy")
        assert headers(reply)[b"content-type"] == b"text/html"
        assert headers(reply)[b"content-length"] == b"7"

    def test_gives_way_to_ids_that_are_too_long(self, replies: Replies) -> None:
        assert replies.ok(TOO_LONG, b"text/html", b"Healthy").status == 431


def test_an_empty_version_is_left_out() -> None:
    reply = Replies("").ok(REQUEST, b"text/html", b"")
    assert b"x-ms-server-version" not in headers(reply)
