"""The front's ends of a worker's pipes: frames in whatever pieces they come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve import wire
from scoreserve.front.queue.job import QueuedJob
from scoreserve.front.workers.worker_pipe import LARGE_BYTES, WorkerPipe
from scoreserve.wire import Outcome

OUTCOMES = [
    Outcome(1, 200, b"content-type: application/json\r\n", b"[1]", 0.5, wire.RAN),
    Outcome(2, 500, b"", b"", 0.25),
    Outcome(2**63 - 1, 200, b"h", b"b" * 300),
]
STREAM = b"".join(
    [
        wire.frame(wire.STAGE, "läuft".encode()),
        wire.frame(wire.READY, b'{"pid": 7}'),
        *wire.encode_outcomes(OUTCOMES[:2]),
        wire.about_jobs(wire.RUNNING, [3, 2**63 - 1]),
        wire.about_jobs(wire.RETURNED, [4]),
        wire.chunk(3, b"part"),
        wire.stream_end(3, complete=True),
        *wire.encode_outcomes(OUTCOMES[2:]),
        wire.frame(wire.BATCH_COUNTS, b'{"off": ""}'),
        wire.frame(wire.REPORT, b"\0whatever"),
        wire.frame(wire.TRIED, b'[null, "why"]'),
        wire.frame(wire.BOOT_FAILED, b'["why"]'),
    ]
)
EVENTS = [
    ("stage", "läuft"),
    ("ready", {"pid": 7}),
    ("outcomes", OUTCOMES[:2]),
    ("running", (3, 2**63 - 1)),
    ("returned", (4,)),
    ("chunk", (3, b"part")),
    ("stream end", (3, True)),
    ("outcomes", OUTCOMES[2:]),
    ("counts", {"off": ""}),
    ("report", b"\0whatever"),
    ("tried", b'[null, "why"]'),
    ("boot failed", b'["why"]'),
]


class Recorder:
    """Keeps what the pipe reports."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def on_stage(self, text: str) -> None:
        self.events.append(("stage", text))

    def on_ready(self, info: dict[str, Any]) -> None:
        self.events.append(("ready", info))

    def on_boot_failed(self, why: bytes) -> None:
        self.events.append(("boot failed", why))

    def on_running(self, job_ids: Sequence[int]) -> None:
        self.events.append(("running", tuple(job_ids)))

    def on_batch_counts(self, counts: dict[str, Any]) -> None:
        self.events.append(("counts", counts))

    def on_tried(self, payload: bytes) -> None:
        self.events.append(("tried", payload))

    def on_report(self, payload: bytes) -> None:
        self.events.append(("report", payload))

    def on_returned(self, job_ids: Sequence[int]) -> None:
        self.events.append(("returned", tuple(job_ids)))

    def on_outcomes(self, outcomes: Sequence[Outcome]) -> None:
        self.events.append(("outcomes", list(outcomes)))

    def on_chunk(self, job_id: int, chunk: bytes) -> None:
        self.events.append(("chunk", (job_id, chunk)))

    def on_stream_end(self, job_id: int, *, complete: bool) -> None:
        self.events.append(("stream end", (job_id, complete)))

    def on_closed(self) -> None:
        self.events.append(("closed", None))


class FakeTransport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.written += map(bytes, list_of_data)

    def close(self) -> None:
        self.closed = True


class Connected:
    """A pipe that is connected, and what surrounds it."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.transport = FakeTransport()
        self.pipe = WorkerPipe(self.recorder)
        self.pipe.connection_made(self.transport)
        self.sink = FakeTransport()
        self.pipe.open(self.sink)

    def receive(self, *pieces: bytes) -> list[tuple[str, Any]]:
        """Everything that is reported once these pieces have come."""
        for piece in pieces:
            self.pipe.data_received(piece)
        return self.recorder.events


@pytest.fixture
def connected() -> Connected:
    return Connected()


class TestReceiving:
    def test_all_frames_at_once(self, connected: Connected) -> None:
        assert connected.receive(STREAM) == EVENTS

    def test_outcomes_that_come_together_are_reported_together(self, connected: Connected) -> None:
        first, second, third = (Outcome(number, 200, b"", b"") for number in (1, 2, 3))
        frames = [b"".join(wire.encode_outcomes([each])) for each in (first, second, third)]
        chunk = wire.chunk(7, b"between")
        assert connected.receive(frames[0] + frames[1] + chunk + frames[2]) == [
            ("outcomes", [first, second]),
            ("chunk", (7, b"between")),
            ("outcomes", [third]),
        ]

    def test_what_went_wrong_comes_with_its_outcome(self) -> None:
        fine, failed, large = (Outcome(number, 200, b"", b"") for number in (1, 2, 3))
        failed.failure, large.failure = "ValueError: ü", "KeyError: 'a'"
        large.body = bytes(LARGE_BYTES)
        frames = b"".join([*wire.encode_outcomes([fine, failed]), *wire.encode_outcomes([large])])
        for size in (len(frames), 1000):
            pieces = [frames[start : start + size] for start in range(0, len(frames), size)]
            told = [each for _, each in Connected().receive(*pieces)]
            failures = [outcome.failure for outcomes in told for outcome in outcomes]
            assert failures == ["", "ValueError: ü", "KeyError: 'a'"]

    def test_outcomes_before_damage_are_reported(self, connected: Connected) -> None:
        outcome = Outcome(1, 200, b"", b"")
        damaged = wire.frame(wire.RUNNING, b"short", count=1)
        events = connected.receive(b"".join(wire.encode_outcomes([outcome])) + damaged)
        assert events == [("outcomes", [outcome])]
        assert connected.transport.closed

    def test_frames_split_at_any_one_byte(self) -> None:
        for cut in range(len(STREAM) + 1):
            assert Connected().receive(STREAM[:cut], STREAM[cut:]) == EVENTS, cut

    def test_frames_a_byte_at_a_time(self, connected: Connected) -> None:
        assert connected.receive(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == EVENTS

    @given(st.lists(st.integers(0, len(STREAM)), max_size=10).map(sorted))
    def test_frames_in_any_pieces(self, cuts: list[int]) -> None:
        starts, ends = [0, *cuts], [*cuts, len(STREAM)]
        pieces = [STREAM[start:end] for start, end in zip(starts, ends, strict=True)]
        assert Connected().receive(*pieces) == EVENTS

    def test_a_frame_is_reported_before_the_next_is_complete(self, connected: Connected) -> None:
        stage = wire.frame(wire.STAGE, b"init")
        assert connected.receive(stage + stage[:-1]) == [("stage", "init")]

    @pytest.mark.parametrize(
        "frame",
        [
            wire.frame(99),
            wire.frame(wire.JOBS),
            wire.frame(wire.READY, b"{"),
            wire.frame(wire.STAGE, b"\xff"),
            wire.frame(wire.OUTCOMES, b"too short"),
            wire.frame(wire.OUTCOMES, b"".join(wire.encode_outcomes(OUTCOMES))[16:], count=2),
            wire.frame(wire.RUNNING, b"short", count=1),
            wire.frame(wire.RUNNING, bytes(16), count=1),
            wire.frame(wire.BATCH_COUNTS, b"{"),
            wire.frame(wire.CHUNK, b"short"),
            wire.frame(wire.STREAM_END, b"short"),
            wire.frame(wire.FAILURE, b"short"),
            wire.frame(wire.FAILURE, bytes(8) + b"\xff"),
        ],
        ids=[
            "kind",
            "direction",
            "json",
            "text",
            "length",
            "count",
            "running",
            "running count",
            "batch counts",
            "chunk",
            "stream end",
            "failure",
            "failure's text",
        ],
    )
    def test_what_is_not_the_protocol_ends_the_connection(
        self, connected: Connected, frame: bytes
    ) -> None:
        assert connected.receive(wire.frame(wire.STAGE, b"init") + frame) == [("stage", "init")]
        assert connected.transport.closed

    def test_the_end_of_the_connection_is_reported(self, connected: Connected) -> None:
        connected.pipe.connection_lost(None)
        assert connected.recorder.events == [("closed", None)]


class TestSending:
    @staticmethod
    def jobs(body: bytes) -> list[QueuedJob]:
        return [QueuedJob(b"head", [body]) for _ in range(3)]

    @pytest.mark.parametrize("size", [0, 1, wire.JOIN_BELOW_BYTES, 3 * wire.JOIN_BELOW_BYTES])
    def test_jobs_arrive_as_one_frame(self, connected: Connected, size: int) -> None:
        body = b"b" * size
        connected.pipe.send(self.jobs(body))
        data = b"".join(connected.sink.written)
        kind, count, _ = wire.read_prefix(data)
        received = wire.decode_jobs(memoryview(data)[wire.PREFIX_BYTES :], count)
        assert (kind, [bytes(job.body) for job in received]) == (wire.JOBS, [body] * 3)

    def test_small_jobs_are_one_write(self, connected: Connected) -> None:
        connected.pipe.send(self.jobs(b"small"))
        assert len(connected.sink.written) == 1

    def test_the_settings_are_a_frame_of_their_own(self, connected: Connected) -> None:
        connected.pipe.send_setup(b"{}")
        assert connected.sink.written == [wire.frame(wire.SETUP, b"{}")]

    def test_a_stream_is_asked_for_more(self, connected: Connected) -> None:
        connected.pipe.send_stream_request(wire.MORE, 3)
        assert connected.sink.written == [wire.stream_request(wire.MORE, 3)]

    def test_the_worker_is_told_to_finish(self, connected: Connected) -> None:
        connected.pipe.close()
        connected.pipe.close()
        assert (connected.sink.closed, connected.transport.closed) == (True, True)
        connected.pipe.send(self.jobs(b"late"))
        assert connected.sink.written == []

    def test_nothing_is_sent_once_the_connection_is_lost(self, connected: Connected) -> None:
        connected.pipe.connection_lost(None)
        connected.pipe.send(self.jobs(b"late"))
        connected.pipe.send_setup(b"{}")
        connected.pipe.send_stream_request(wire.STOP, 3)
        connected.pipe.close()
        assert connected.sink.written == []
        assert not connected.transport.closed

    def test_closing_closes_the_transport(self, connected: Connected) -> None:
        connected.pipe.close()
        assert connected.transport.closed


@given(st.data())
def test_a_large_outcome_is_not_put_together(data: st.DataObject) -> None:
    """Its parts are what came, in order, and what follows it is read as ever."""
    body = bytes(range(256)) * (LARGE_BYTES // 256 + 1)
    large = Outcome(7, 200, b"content-type: text/plain\r\n", body, 0.5, wire.RAN)
    stream = b"".join([*wire.encode_outcomes([large]), *wire.encode_outcomes(OUTCOMES[:1])])
    cuts = st.lists(st.integers(0, len(stream)), max_size=5)
    near_the_ends = st.lists(st.integers(1, 120), max_size=4)
    places = {*data.draw(cuts), *data.draw(near_the_ends)}
    places |= {len(stream) - place for place in data.draw(near_the_ends)}
    ends = [*sorted(places - {0}), len(stream)]
    connected = Connected()
    for start, end in zip([0, *ends], ends, strict=False):
        connected.pipe.data_received(stream[start:end])
    outcomes = [each for _, found in connected.recorder.events for each in found]
    assert [outcome.id for outcome in outcomes] == [7, 1]
    first = outcomes[0]
    assert (first.status, first.head, first.run_seconds, first.flags) == (
        large.status,
        large.head,
        large.run_seconds,
        large.flags,
    )
    assert first.length == len(body)
    assert b"".join(first.parts) + first.body == body
    assert outcomes[1] == OUTCOMES[0]


def test_what_its_listener_raises_is_no_fault_of_the_worker(
    monkeypatch: pytest.MonkeyPatch, server_log: pytest.LogCaptureFixture
) -> None:
    def fail(outcomes: Sequence[Outcome]) -> None:
        raise ValueError("a log filter of the user's")

    connected = Connected()
    monkeypatch.setattr(connected.recorder, "on_outcomes", fail)
    connected.pipe.data_received(STREAM)
    told = [what for what, _ in connected.recorder.events]
    assert told == [what for what, _ in EVENTS if what != "outcomes"]
    assert "a log filter of the user's" in server_log.text
