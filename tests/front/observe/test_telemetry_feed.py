"""The feed of the telemetry process: one frame a turn, and never a wait."""

from __future__ import annotations

import pytest

from scoreserve.front.observe.telemetry_feed import PIPE_FULL, PROCESS_GONE, TelemetryFeed
from scoreserve.telemetry import records
from scoreserve.telemetry.records import FrameSplitter, HeadFields, RequestRecord, RequestTuple
from tests.front.fakes import ManualDefer

HEAD = (b"POST", b"/score", b"", b"1.1", b"http", b"here:5001", b"curl", b"", b"", b"/score")
REQUEST: RequestTuple = (
    *(HEAD, b"::1", b"id", b"", 7, 200, 9.5, 0.25, 0.125, 0.1, True, b"[1]", 3, True),
    (b"first", 6, 2, 9),
)
RECORD = RequestRecord(HeadFields(*HEAD), *REQUEST[1:])


class Sink:
    """A pipe that is read, or not."""

    def __init__(self) -> None:
        self.unread_bytes = 0
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def frames(self) -> list[tuple[int, bytes]]:
        return list(FrameSplitter().feed(b"".join(self.written)))


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def defer() -> ManualDefer:
    return ManualDefer()


@pytest.fixture
def feed(defer: ManualDefer, sink: Sink) -> TelemetryFeed:
    feed = TelemetryFeed(defer)
    feed.connect(sink, b"{}")
    return feed


def test_the_settings_come_first(feed: TelemetryFeed, sink: Sink) -> None:
    feed.report(b"a")
    assert sink.frames() == [(records.SETUP, b"{}"), (records.REPORT, b"a")]


def test_the_requests_of_a_turn_make_one_frame(
    feed: TelemetryFeed, sink: Sink, defer: ManualDefer
) -> None:
    feed.add(REQUEST)
    feed.add(REQUEST)
    assert len(sink.written) == 1
    defer.run()
    ((kind, payload),) = sink.frames()[1:]
    assert kind == records.REQUESTS
    assert records.count_requests(payload) == 2
    assert list(records.read_requests(payload)) == [RECORD, RECORD]
    assert not defer.pending


def test_what_nobody_reads_is_dropped_and_counted(
    feed: TelemetryFeed, sink: Sink, defer: ManualDefer
) -> None:
    sink.unread_bytes = 1 << 30
    feed.add(REQUEST)
    feed.add(REQUEST)
    defer.run()
    feed.metrics(9.5, b"page")
    assert len(sink.written) == 1
    assert feed.dropped == {PIPE_FULL: 3}


def test_without_a_process_all_is_dropped_and_counted(
    feed: TelemetryFeed, sink: Sink, defer: ManualDefer
) -> None:
    feed.add(REQUEST)
    feed.disconnect()
    defer.run()
    feed.report(b"a")
    assert len(sink.written) == 1
    assert feed.dropped == {PROCESS_GONE: 2}


def test_what_the_process_dropped_is_counted_too(feed: TelemetryFeed) -> None:
    feed.lost({"queue_full": 2})
    feed.lost({"queue_full": 1, "export_failed": 4})
    assert feed.dropped == {"queue_full": 3, "export_failed": 4}


def test_what_nobody_reads_is_not_accepted_either(feed: TelemetryFeed, sink: Sink) -> None:
    assert feed.accepts()
    sink.unread_bytes = 1 << 30
    assert not feed.accepts()
    assert feed.dropped == {PIPE_FULL: 1}


def test_a_process_without_room_is_sent_no_requests(feed: TelemetryFeed, sink: Sink) -> None:
    feed.pause()
    assert not feed.accepts()
    assert not feed.accepts()
    feed.report(b"a")
    assert sink.frames()[1:] == [(records.REPORT, b"a")]
    feed.lost({"queue_full": 2})
    assert feed.dropped == {"queue_full": 4}
    feed.resume()
    assert feed.accepts()


def test_another_process_has_room(feed: TelemetryFeed, sink: Sink) -> None:
    feed.pause()
    feed.disconnect()
    feed.connect(sink, b"{}")
    assert feed.accepts()


def test_metrics_come_with_the_moment_that_counting_began(feed: TelemetryFeed, sink: Sink) -> None:
    feed.metrics(9.5, b"page")
    ((kind, payload),) = sink.frames()[1:]
    assert kind == records.METRICS
    assert records.read_metrics(payload) == (9.5, b"page")
