"""What telemetry is told of a request and its answer."""

from __future__ import annotations

import time

import pytest

from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.messages.replies import Reply
from scoreserve.front.messages.request_heads import CachedHead
from scoreserve.front.observe.request_log import RequestLog
from scoreserve.front.observe.telemetry_feed import TelemetryFeed
from scoreserve.front.observe.telemetry_log import TelemetryLog
from scoreserve.heads import RequestHead
from scoreserve.telemetry import records
from scoreserve.telemetry.records import HeadFields, RequestRecord
from tests.front.fakes import request_head

IDS = b"x-request-id: mine\r\nx-ms-client-request-id: theirs\r\n"


class Beside(RequestLog):
    """The other log."""

    def __init__(self) -> None:
        self.told: list[tuple[RequestHead, Reply, float, bool, bytes, bytes]] = []
        self.flushed = 0

    def record(
        self,
        head: RequestHead,
        reply: Reply,
        seconds: float,
        *,
        api: bool,
        host: bytes = b"",
        request_id: bytes = b"",
    ) -> None:
        self.told.append((head, reply, seconds, api, host, request_id))

    def flush(self) -> None:
        self.flushed += 1


class Told(TelemetryFeed):
    """A feed, and what it has sent."""

    def __init__(self) -> None:
        super().__init__(lambda send: None)
        self._written: list[bytes] = []
        self.connect(self, b"")

    def write(self, data: bytes) -> None:
        self._written.append(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def records(self) -> list[RequestRecord]:
        self.flush()
        _, *frames = records.FrameSplitter().feed(b"".join(self._written))
        return [record for _, payload in frames for record in records.read_requests(payload)]

    def record(self) -> RequestRecord:
        (record,) = self.records()
        return record


@pytest.fixture
def beside() -> Beside:
    return Beside()


@pytest.fixture
def feed() -> Told:
    return Told()


def reply(body: bytes = b"[1, 2]", head: bytes = IDS) -> Reply:
    made = Reply(200, b"content-type: a\r\n" + head, body, None, False, 0.5, 0.25)
    made.job_id = 7
    return made


def test_all_that_is_known_is_told(beside: Beside, feed: Told) -> None:
    head = request_head(query="a=1", host="here:5001", user_agent="curl/8", traceparent="00-a")
    before = time.time()
    TelemetryLog(beside, feed, 4).record(head, reply(), 0.75, api=True)
    told = feed.record()
    assert before <= told.ended <= time.time()
    assert told == RequestRecord(
        HeadFields(
            *(b"POST", b"/score", b"a=1", b"1.1", b"http", b"here:5001", b"curl/8"),
            *(b"00-a", b""),
        ),
        *(b"192.0.2.1", b"mine", b"theirs", 7, 200, told.ended, 0.75, 0.5, 0.25, True, b"[1, ", 6),
    )


def test_the_other_log_is_told_the_same(beside: Beside, feed: Told) -> None:
    head, answer = request_head(), reply()
    log = TelemetryLog(beside, feed)
    log.record(head, answer, 0.75, api=True, host=b"::1", request_id=b"mine")
    log.flush()
    assert beside.told == [(head, answer, 0.75, True, b"::1", b"mine")]
    assert beside.flushed == 1


def test_a_head_that_comes_again_is_read_once(beside: Beside, feed: Told) -> None:
    head = CachedHead(request_head(host="here"), b"", 0)
    log = TelemetryLog(beside, feed)
    for host, request_id in ((b"::1", b"a"), (b"::2", b"b")):
        log.record(head, reply(head=b""), 0.75, api=True, host=host, request_id=request_id)
    assert head.telemetry_fields is not None
    first, second = feed.records()
    assert first.head == second.head
    assert (first.client, first.request_id) == (b"::1", b"a")
    assert (second.client, second.request_id) == (b"::2", b"b")


@pytest.mark.parametrize("asked", [0, 3, 100])
def test_so_much_of_the_answer_as_is_asked_for(beside: Beside, feed: Told, asked: int) -> None:
    TelemetryLog(beside, feed, asked).record(request_head(), reply(), 0.75, api=True)
    told = feed.record()
    assert (told.answer, told.answer_bytes) == (b"[1, 2]"[:asked], 6)


def test_a_large_answer_comes_in_parts(beside: Beside, feed: Told) -> None:
    answer = reply(b"")
    answer.parts, answer.length = (memoryview(b"[1, "), b"2]"), 6
    TelemetryLog(beside, feed, 3).record(request_head(), answer, 0.75, api=True)
    told = feed.record()
    assert (told.answer, told.answer_bytes) == (b"[1,", 6)


def test_what_is_streamed_is_not_known(beside: Beside, feed: Told) -> None:
    stream = BodyStream(more=lambda: None, stop=lambda: None)
    log = TelemetryLog(beside, feed, 3)
    log.record(request_head(), Reply(200, IDS, b"", stream), 0.75, api=True)
    told = feed.record()
    assert (told.answer, told.answer_bytes) == (b"", 0)
