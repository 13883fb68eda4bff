"""Frames: what goes in comes out, and what was damaged on the way is noticed."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from scoreserve import wire
from scoreserve.wire import FrameError, Job, Outcome, WireJob

# Where a record keeps its head length and its body length, see wire's docstring.
JOB_LENGTHS = {"head": 8, "body": 16}
OUTCOME_LENGTHS = {"head": 24, "body": 32}

# Also such that an end is past the largest number.
changes = st.integers(-(2**62), 2**62).filter(bool) | st.integers(2**63 - 2**16, 2**63 - 2**15)

Fields = tuple[int, bytes, list[bytes]]

ids = st.integers(0, 2**63 - 1)
jobs_strategy = st.lists(st.tuples(ids, st.binary(), st.lists(st.binary())), max_size=4)
outcomes_strategy = st.lists(
    st.builds(
        Outcome,
        id=ids,
        status=st.integers(0, 2**16 - 1),
        head=st.binary(),
        body=st.binary(),
        run_seconds=st.floats(allow_nan=False),
        flags=st.integers(0, 15),
    ),
    max_size=4,
)


def payload_of(buffers: Sequence[wire.Chunk], kind: int, count: int) -> bytes:
    """The payload of one encoded frame, once its prefix has been checked."""
    data = b"".join(buffers)
    payload = data[wire.PREFIX_BYTES :]
    assert wire.read_prefix(data) == (kind, count, len(payload))
    return payload


def jobs_payload(jobs: Sequence[Fields]) -> bytes:
    records = [Job(*job) for job in jobs]
    return payload_of(wire.encode_jobs(records), wire.JOBS, len(jobs))


def outcomes_payload(outcomes: list[Outcome]) -> bytes:
    return payload_of(wire.encode_outcomes(outcomes), wire.OUTCOMES, len(outcomes))


def read_jobs(payload: bytes, count: int) -> list[WireJob]:
    return wire.decode_jobs(memoryview(payload), count)


def read_outcomes(payload: bytes, count: int) -> list[Outcome]:
    return wire.decode_outcomes(payload, 0, len(payload), count)


def with_length(payload: bytes, record: int, at: int, change: int) -> bytes:
    """The payload with the length field at `at` of the record at that offset changed."""
    damaged = bytearray(payload)
    (length,) = struct.unpack_from("<q", payload, record + at)
    struct.pack_into("<q", damaged, record + at, length + change)
    return bytes(damaged)


class TestJobs:
    @given(jobs_strategy)
    def test_come_out_as_they_went_in(self, jobs: list[Fields]) -> None:
        read = read_jobs(jobs_payload(jobs), len(jobs))
        assert [(job.id, job.head, bytes(job.body)) for job in read] == [
            (job_id, head, b"".join(chunks)) for job_id, head, chunks in jobs
        ]

    def test_bodies_are_copied_on_neither_side(self) -> None:
        chunks = [b"%d" % number * 1000 for number in range(100)]
        buffers = wire.encode_jobs([Job(1, b"head", chunks)])
        assert {id(chunk) for chunk in chunks} < {id(buffer) for buffer in buffers}
        payload = memoryview(payload_of(buffers, wire.JOBS, 1))
        (job,) = wire.decode_jobs(payload, 1)
        assert isinstance(job.body, memoryview)
        assert job.body.obj is payload.obj

    @given(jobs_strategy.filter(bool), st.data())
    def test_a_truncated_frame_is_refused(self, jobs: list[Fields], data: st.DataObject) -> None:
        payload = jobs_payload(jobs)
        kept = data.draw(st.integers(0, len(payload) - 1))
        with pytest.raises(FrameError):
            read_jobs(payload[:kept], len(jobs))

    @given(jobs_strategy, st.binary(min_size=1))
    def test_a_frame_with_more_than_its_jobs_is_refused(
        self, jobs: list[Fields], extra: bytes
    ) -> None:
        with pytest.raises(FrameError):
            read_jobs(jobs_payload(jobs) + extra, len(jobs))

    @given(jobs_strategy, st.integers(0, 2**31 - 1))
    def test_a_wrong_count_is_refused(self, jobs: list[Fields], count: int) -> None:
        assume(count != len(jobs))
        with pytest.raises(FrameError):
            read_jobs(jobs_payload(jobs), count)

    @given(jobs_strategy.filter(bool), st.sampled_from(sorted(JOB_LENGTHS)), st.data())
    def test_a_damaged_length_is_refused(
        self, jobs: list[Fields], name: str, data: st.DataObject
    ) -> None:
        damaged_job = data.draw(st.integers(0, len(jobs) - 1))
        change = data.draw(changes)
        payload = with_length(
            jobs_payload(jobs), len(jobs_payload(jobs[:damaged_job])), JOB_LENGTHS[name], change
        )
        with pytest.raises(FrameError):
            read_jobs(payload, len(jobs))


class TestOutcomes:
    @given(outcomes_strategy)
    def test_come_out_as_they_went_in(self, outcomes: list[Outcome]) -> None:
        assert read_outcomes(outcomes_payload(outcomes), len(outcomes)) == outcomes

    def test_large_bodies_are_not_copied(self) -> None:
        body = bytes(wire.JOIN_BELOW_BYTES)
        outcomes = [Outcome(1, 200, b"head", body), Outcome(2, 200, b"", b"small")]
        buffers = wire.encode_outcomes(outcomes)
        assert any(buffer is body for buffer in buffers)
        assert read_outcomes(payload_of(buffers, wire.OUTCOMES, 2), 2) == outcomes

    @given(outcomes_strategy, st.binary(), st.binary())
    def test_are_found_between_other_frames(
        self, outcomes: list[Outcome], before: bytes, after: bytes
    ) -> None:
        payload = outcomes_payload(outcomes)
        data = before + payload + after
        assert wire.decode_outcomes(data, len(before), len(payload), len(outcomes)) == outcomes

    @given(outcomes_strategy.filter(bool), st.binary(max_size=80), st.data())
    def test_a_truncated_frame_is_refused(
        self, outcomes: list[Outcome], next_frame: bytes, data: st.DataObject
    ) -> None:
        """Also when the bytes that are missing could be taken from the frame after it."""
        payload = outcomes_payload(outcomes)
        kept = data.draw(st.integers(0, len(payload) - 1))
        with pytest.raises(FrameError):
            wire.decode_outcomes(payload[:kept] + next_frame, 0, kept, len(outcomes))

    @given(outcomes_strategy, st.binary(min_size=1))
    def test_a_frame_with_more_than_its_outcomes_is_refused(
        self, outcomes: list[Outcome], extra: bytes
    ) -> None:
        with pytest.raises(FrameError):
            read_outcomes(outcomes_payload(outcomes) + extra, len(outcomes))

    @given(outcomes_strategy, st.integers(0, 2**31 - 1))
    def test_a_wrong_count_is_refused(self, outcomes: list[Outcome], count: int) -> None:
        assume(count != len(outcomes))
        with pytest.raises(FrameError):
            read_outcomes(outcomes_payload(outcomes), count)

    @given(outcomes_strategy.filter(bool), st.sampled_from(sorted(OUTCOME_LENGTHS)), st.data())
    def test_a_damaged_length_is_refused(
        self, outcomes: list[Outcome], name: str, data: st.DataObject
    ) -> None:
        damaged = data.draw(st.integers(0, len(outcomes) - 1))
        change = data.draw(changes)
        payload = with_length(
            outcomes_payload(outcomes),
            len(outcomes_payload(outcomes[:damaged])),
            OUTCOME_LENGTHS[name],
            change,
        )
        with pytest.raises(FrameError):
            read_outcomes(payload, len(outcomes))


class TestPrefix:
    @given(
        st.integers(wire.SETUP, wire.STOP),
        st.binary(),
        st.integers(0, 2**31 - 1),
        st.binary(max_size=20),
    )
    def test_says_kind_count_and_length(
        self, kind: int, payload: bytes, count: int, before: bytes
    ) -> None:
        data = before + wire.frame(kind, payload, count)
        assert wire.read_prefix(data, len(before)) == (kind, count, len(payload))

    @pytest.mark.parametrize("kind", [0, wire.FORKED + 1, 255])
    def test_of_an_unknown_kind_is_refused(self, kind: int) -> None:
        with pytest.raises(FrameError, match=str(kind)):
            wire.read_prefix(wire.frame(kind))

    @pytest.mark.parametrize("layout", [(-1, 16), (1, -16)])
    def test_of_less_than_nothing_is_refused(self, layout: tuple[int, int]) -> None:
        with pytest.raises(FrameError):
            wire.read_prefix(struct.pack("<iiq", wire.OUTCOMES, *layout))


class TestRunning:
    @given(st.lists(ids, max_size=5))
    def test_comes_out_as_it_went_in(self, job_ids: list[int]) -> None:
        data = wire.about_jobs(wire.RUNNING, job_ids)
        payload = payload_of([data], wire.RUNNING, len(job_ids))
        assert wire.read_job_ids(payload, len(job_ids)) == tuple(job_ids)

    @given(st.binary(max_size=40), st.integers(0, 2**32 - 1))
    def test_of_another_length_is_refused(self, payload: bytes, count: int) -> None:
        assume(len(payload) != 8 * count)
        with pytest.raises(FrameError):
            wire.read_job_ids(payload, count)


class TestStreams:
    @given(ids, st.binary())
    def test_chunks_come_out_as_they_went_in(self, job_id: int, body: bytes) -> None:
        payload = wire.chunk(job_id, body)[wire.PREFIX_BYTES :]
        assert wire.read_chunk(payload) == (job_id, body)

    @given(ids, st.booleans())
    def test_ends_come_out_as_they_went_in(self, job_id: int, complete: bool) -> None:
        payload = wire.stream_end(job_id, complete=complete)[wire.PREFIX_BYTES :]
        assert wire.read_stream_end(payload) == (job_id, complete)

    @given(ids, st.sampled_from([wire.MORE, wire.STOP]))
    def test_requests_come_out_as_they_went_in(self, job_id: int, kind: int) -> None:
        data = wire.stream_request(kind, job_id)
        assert wire.read_prefix(data) == (kind, 1, 8)
        assert wire.read_stream_id(data[wire.PREFIX_BYTES :]) == job_id

    @pytest.mark.parametrize("size", range(8))
    def test_truncated_frames_are_refused(self, size: int) -> None:
        with pytest.raises(FrameError):
            wire.read_chunk(b"x" * size)
        with pytest.raises(FrameError):
            wire.read_stream_id(b"x" * size)
        with pytest.raises(FrameError):
            wire.read_stream_end(b"x" * (size + 1))
