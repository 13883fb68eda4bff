"""What the front sends goes to each output; without room for more, the front is told so."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from scoreserve import reports
from scoreserve.reports import NO_REQUEST, LogLine, Report
from scoreserve.telemetry import records
from scoreserve.telemetry.fan_out import FanOut, Overflow
from scoreserve.telemetry.records import NO_BATCH, FrameSplitter, RequestRecord, RequestTuple
from tests.servers import wait_until

HEAD = (b"POST", b"/score", b"", b"1.1", b"http", b"here", b"curl", b"", b"", b"/score")
REQUEST: RequestTuple = (
    *(HEAD, b"::1", b"id", b"", 7, 200, 9.5, 0.25, 0.125, 0.1, True, b"[1]", 3, True),
    NO_BATCH,
)
LINE = LogLine(NO_REQUEST, 9.5, 20, "root", "said", "score.py", "run", 3)


class FakeOutput:
    """Keeps what it is given, while it has room."""

    def __init__(self, *, room: bool = True) -> None:
        self.room = room
        self.requests: list[RequestRecord] = []
        self.reports: list[Report] = []
        self.pages: list[tuple[float, bytes]] = []
        self.dropped: Counter[str] = Counter()

    def has_room(self) -> bool:
        return self.room

    def request(self, record: RequestRecord) -> None:
        self.requests.append(record)

    def report(self, report: Report) -> None:
        self.reports.append(report)

    def metrics(self, since: float, page: bytes) -> None:
        self.pages.append((since, page))

    def take_dropped(self) -> Counter[str]:
        dropped, self.dropped = self.dropped, Counter()
        return dropped

    def close(self, deadline: float) -> None:
        pass


class Front:
    """The front's end of the pipe: what it was told."""

    def __init__(self) -> None:
        self._source, self.sink = os.pipe()
        os.set_blocking(self._source, False)
        self._splitter = FrameSplitter()
        self._told: list[tuple[int, bytes]] = []

    def told(self) -> list[int]:
        """The kinds of all frames so far."""
        with contextlib.suppress(BlockingIOError):
            self._told += self._splitter.feed(os.read(self._source, 1 << 16))
        return [kind for kind, _ in self._told]

    def dropped(self) -> Counter[str]:
        """All that was told to be dropped."""
        self.told()
        counts = [
            records.read_dropped(each) for kind, each in self._told if kind == records.DROPPED
        ]
        return sum(map(Counter, counts), Counter())

    def close(self) -> None:
        os.close(self._source)
        os.close(self.sink)


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front()
    yield front
    front.close()


def send(fan_out: FanOut, frame: bytes) -> None:
    ((kind, payload),) = FrameSplitter().feed(frame)
    fan_out.take(kind, payload)


def test_all_of_it_goes_to_each_output(front: Front) -> None:
    outputs = [FakeOutput(), FakeOutput()]
    fan_out = FanOut(outputs, front.sink)
    send(fan_out, records.requests_frame([REQUEST, REQUEST]))
    send(fan_out, records.frame(records.REPORT, reports.encode(LINE)))
    send(fan_out, records.metrics_frame(9.5, b"page"))
    for output in outputs:
        assert [request.request_id for request in output.requests] == [b"id", b"id"]
        assert output.reports == [LINE]
        assert output.pages == [(9.5, b"page")]
    assert not front.told()


def test_a_report_that_cannot_be_read_is_the_only_one_that_is_lost(
    front: Front, server_log: pytest.LogCaptureFixture
) -> None:
    output = FakeOutput()
    fan_out = FanOut([output], front.sink)
    for payload in (b"", b"garbage", reports.encode(LINE)[:-1], reports.encode(LINE)):
        send(fan_out, records.frame(records.REPORT, payload))
    assert output.reports == [LINE]
    assert server_log.text.count("What a worker has told cannot be read") == 3


def test_one_with_room_is_enough(front: Front) -> None:
    outputs = [FakeOutput(room=False), FakeOutput()]
    send(FanOut(outputs, front.sink), records.requests_frame([REQUEST]))
    assert len(outputs[1].requests) == 1
    assert not front.told()


def test_without_room_requests_are_dropped_and_the_front_pauses(front: Front) -> None:
    output = FakeOutput(room=False)
    fan_out = FanOut([output], front.sink)
    for _ in range(3):  # that were on their way
        send(fan_out, records.requests_frame([REQUEST, REQUEST]))
    send(fan_out, records.frame(records.REPORT, reports.encode(LINE)))
    assert front.told() == [records.PAUSE]
    assert not output.requests
    assert output.reports == [LINE]
    threading.Thread(target=fan_out.tell, daemon=True).start()
    wait_until(lambda: front.dropped() == {"queue_full": 6}, "they are counted")
    assert records.RESUME not in front.told()
    output.room = True
    wait_until(lambda: front.told()[-1:] == [records.RESUME], "the front is told of the room")
    send(fan_out, records.requests_frame([REQUEST]))
    assert len(output.requests) == 1


def test_what_outputs_have_dropped_is_told_in_one_sum(front: Front) -> None:
    outputs = [FakeOutput(), FakeOutput()]
    outputs[0].dropped = Counter(export_failed=2)
    outputs[1].dropped = Counter(export_failed=1, queue_full=4)
    threading.Thread(target=FanOut(outputs, front.sink).tell, daemon=True).start()
    wait_until(front.dropped, "it is told")
    assert front.dropped() == {"export_failed": 3, "queue_full": 4}


def test_a_front_that_is_gone_ends_nothing() -> None:
    source, sink = os.pipe()
    os.close(source)
    output = FakeOutput(room=False)
    send(FanOut([output], sink), records.requests_frame([REQUEST]))
    os.close(sink)


def test_that_records_find_no_room_is_said_once_when_it_begins_and_once_when_it_is_over() -> None:
    overflow = Overflow()
    seen = [(0.0, False), (1.0, True), (2.0, True), (5.0, False), (8.0, True), (17.9, False)]
    seen += [(18.0, False), (30.0, False), (31.0, True)]
    said = {now: overflow.seen(now, overflows=overflows) for now, overflows in seen}
    assert {now: begun for now, begun in said.items() if begun is not None} == {
        1.0: True,
        18.0: False,
        31.0: True,
    }
