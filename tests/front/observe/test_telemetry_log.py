"""What telemetry is told of a request and its answer."""

from __future__ import annotations

import time

import pytest

from scoreserve.front.messages.body_stream import BodyStream
from scoreserve.front.messages.replies import Reply
from scoreserve.front.messages.request_heads import CachedHead
from scoreserve.front.observe.durations import RequestDurations
from scoreserve.front.observe.request_log import RequestLog
from scoreserve.front.observe.telemetry_feed import TelemetryFeed
from scoreserve.front.observe.telemetry_log import TelemetryLog, Wanted
from scoreserve.heads import RequestHead
from scoreserve.telemetry import records
from scoreserve.telemetry.records import HeadFields, RequestRecord
from scoreserve.tracing import Sampler
from tests.front.fakes import request_head

EVERY = Wanted(every=True, routes=[b"/score"])
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
    made.job_id, made.batch = 7, (b"first", 6, 2, 9)
    return made


def test_all_that_is_known_is_told(beside: Beside, feed: Told) -> None:
    head = request_head(query="a=1", host="here:5001", user_agent="curl/8", traceparent="00-a")
    before = time.time()
    TelemetryLog(beside, feed, EVERY._replace(answer_characters=4)).record(
        head, reply(), 0.75, api=True
    )
    told = feed.record()
    assert before <= told.ended <= time.time()
    assert told == RequestRecord(
        HeadFields(
            *(b"POST", b"/score", b"a=1", b"1.1", b"http", b"here:5001", b"curl/8"),
            *(b"00-a", b"", b"/score"),
        ),
        *(b"192.0.2.1", b"mine", b"theirs", 7, 200, told.ended, 0.75, 0.5, 0.25, True, b"[1, ", 6),
        *(False, (b"first", 6, 2, 9)),
    )


def test_the_other_log_is_told_the_same(beside: Beside, feed: Told) -> None:
    head, answer = request_head(), reply()
    log = TelemetryLog(beside, feed, EVERY)
    log.record(head, answer, 0.75, api=True, host=b"::1", request_id=b"mine")
    log.flush()
    assert beside.told == [(head, answer, 0.75, True, b"::1", b"mine")]
    assert beside.flushed == 1


def test_a_head_that_comes_again_is_read_once(beside: Beside, feed: Told) -> None:
    head = CachedHead(request_head(host="here"), b"", 0)
    log = TelemetryLog(beside, feed, EVERY)
    for host, request_id in ((b"::1", b"a"), (b"::2", b"b")):
        log.record(head, reply(head=b""), 0.75, api=True, host=host, request_id=request_id)
    assert head.telemetry_fields is not None
    first, second = feed.records()
    assert first.head == second.head
    assert (first.client, first.request_id) == (b"::1", b"a")
    assert (second.client, second.request_id) == (b"::2", b"b")


@pytest.mark.parametrize("asked", [0, 3, 100])
def test_so_much_of_the_answer_as_is_asked_for(beside: Beside, feed: Told, asked: int) -> None:
    TelemetryLog(beside, feed, EVERY._replace(answer_characters=asked)).record(
        request_head(), reply(), 0.75, api=True
    )
    told = feed.record()
    assert (told.answer, told.answer_bytes) == (b"[1, 2]"[:asked], 6)


@pytest.mark.parametrize(
    ("body", "told"), [("a" * 20, b"aaaa"), ("a€€€€€€", "a€€€€€".encode()), ("€", "€".encode())]
)
def test_an_answer_is_cut_by_its_characters(
    beside: Beside, feed: Told, body: str, told: bytes
) -> None:
    """At most four bytes each, where they are not all of one."""
    log = TelemetryLog(beside, feed, EVERY._replace(answer_characters=4))
    log.record(request_head(), reply(body.encode()), 0.75, api=True)
    assert feed.record().answer == told


def test_a_large_answer_comes_in_parts(beside: Beside, feed: Told) -> None:
    answer = reply(b"")
    answer.parts, answer.length = (memoryview(b"["), bytearray(b"1, "), b"2]"), 6
    TelemetryLog(beside, feed, EVERY._replace(answer_characters=3)).record(
        request_head(), answer, 0.75, api=True
    )
    told = feed.record()
    assert (told.answer, told.answer_bytes) == (b"[1,", 6)


def test_what_is_streamed_is_not_known(beside: Beside, feed: Told) -> None:
    stream = BodyStream(more=lambda: None, stop=lambda: None)
    log = TelemetryLog(beside, feed, EVERY._replace(answer_characters=3))
    log.record(request_head(), Reply(200, IDS, b"", stream), 0.75, api=True)
    told = feed.record()
    assert (told.answer, told.answer_bytes) == (b"", 0)


ALL = Sampler(1.0, parent_based=True)
TRACE = "1234567890abcdef1234567890abcdef"


OF_SCORES = Wanted(sampler=ALL, routes=[b"/score", b"/metrics"], scored=[b"/score"])


def test_only_what_is_traced_is_told_where_nothing_else_is_wanted(
    beside: Beside, feed: Told
) -> None:
    log = TelemetryLog(beside, feed, OF_SCORES)
    for flags in ("00", "01"):
        head = request_head(traceparent=f"00-{TRACE}-1234567890abcdef-{flags}")
        log.record(head, reply(), 0.75, api=True)
    told = feed.record()
    assert told.traced
    assert told.head.traceparent.endswith(b"01")
    assert len(beside.told) == 2


@pytest.mark.parametrize(
    ("path", "job_id", "traced"),
    [
        ("/score", 7, True),
        ("/score", records.NO_JOB, True),  # refused
        ("/v2/models/m/versions/1/infer", 7, True),
        ("/metrics", records.NO_JOB, False),
        ("/docs/page.js", records.NO_JOB, False),
        ("/nowhere", records.NO_JOB, False),
    ],
)
def test_what_is_scored_has_spans(
    beside: Beside, feed: Told, path: str, job_id: int, traced: bool
) -> None:
    answer = reply()
    answer.job_id = job_id
    TelemetryLog(beside, feed, OF_SCORES).record(request_head(path=path), answer, 1.0, api=True)
    assert len(feed.records()) == traced


def test_where_all_are_told_those_that_are_traced_say_so(beside: Beside, feed: Told) -> None:
    wanted = OF_SCORES._replace(every=True, sampler=Sampler(0.0, parent_based=False))
    TelemetryLog(beside, feed, wanted).record(request_head(), reply(), 1.0, api=True)
    assert not feed.record().traced


def test_a_traced_reply_says_so_for_the_histograms(beside: Beside, feed: Told) -> None:
    log = TelemetryLog(beside, feed, OF_SCORES)
    recorded, other = (f"00-{TRACE}-{'1' * 16}-{flags}" for flags in ("01", "00"))
    replies = [reply(), reply()]
    before = time.time()
    log.record(request_head(traceparent=recorded), replies[0], 0.75, api=True)
    log.record(request_head(traceparent=other), replies[1], 0.75, api=True)
    assert replies[1].traced is None
    assert replies[0].traced is not None
    *ids, when = replies[0].traced
    assert ids == [recorded.encode(), b"mine", 7]
    assert before <= when <= time.time()


def test_durations_are_of_all_requests(beside: Beside, feed: Told) -> None:
    durations = RequestDurations()
    log = TelemetryLog(beside, feed, Wanted(durations=durations, routes=[b"/score"]))
    log.record(request_head(), reply(), 0.05, api=True)
    log.record(request_head(), reply(), 60.0, api=True)
    log.record(request_head(path="/nowhere", method="BREW"), reply(), 0.5, api=False)
    assert {series: each.sum for series, each in durations.histograms.items()} == {
        (b"POST", b"/score", 200): 60.05,
        (b"_OTHER", b"", 200): 0.5,
    }
    assert durations.histograms[b"POST", b"/score", 200].counts[-1] == 1
    assert not feed.records()


def test_what_there_is_no_room_for_is_not_told(beside: Beside, feed: Told) -> None:
    feed.pause()
    log = TelemetryLog(beside, feed, EVERY)
    log.record(request_head(), reply(), 0.5, api=True)
    assert not feed.records()
    assert feed.dropped == {"queue_full": 1}
    feed.resume()
    log.record(request_head(), reply(), 0.5, api=True)
    assert len(feed.records()) == 1
    assert len(beside.told) == 2
