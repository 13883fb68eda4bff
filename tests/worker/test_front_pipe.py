"""The worker's ends of the pipes: whole frames, however the bytes come."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve import wire
from scoreserve.pipes import pipe
from scoreserve.worker.front_pipe import FrontPipe

SMALL_BUFFER_BYTES = 64  # so that frames of all sizes relative to it are small


class FakePipe:
    """Hands out `data` in pieces of the sizes given, then of one byte, then its end; takes what is
    written in such pieces too, and lastly any.
    """

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = data
        self._sizes = sizes
        self.sent: list[bytes] = []

    def fileno(self) -> int:
        raise NotImplementedError

    def readinto(self, buffer: memoryview, /) -> int:
        size = self._sizes.pop(0) if self._sizes else 1
        piece = self._data[: min(size, len(buffer))]
        self._data = self._data[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def write(self, data: wire.Buffer, /) -> int:
        taken = bytes(data[: self._sizes.pop(0) if self._sizes else None])
        self.sent.append(taken)
        return len(taken)

    def close(self) -> None:
        self._data = b""


Connect = Callable[..., FrontPipe]


def connected(data: bytes, sizes: list[int] | None = None) -> FrontPipe:
    fake = FakePipe(data, [len(data)] if sizes is None else sizes)
    return FrontPipe(fake, fake, SMALL_BUFFER_BYTES)


def test_one_that_gave_up_leaves_the_front_to_others() -> None:
    (source, front_sink), (front_source, sink) = pipe(), pipe()
    with front_sink, front_source:
        # The parent's, of which a fork has copies.
        parents = [os.dup(source.fileno()), os.dup(sink.fileno())]
        front_pipe = FrontPipe(source, sink)
        front_sink.write(wire.frame(wire.STAGE, b"for the parent"))
        front_pipe.give_up()
        assert front_pipe.receive() is None
        with pytest.raises(BrokenPipeError):
            front_pipe.send([b"not from us"])
        os.set_blocking(front_source.fileno(), False)
        assert front_source.read(1) is None
        for descriptor in parents:
            os.close(descriptor)
        front_pipe._source.close()
        front_pipe._sink.close()


def read_all(pipe: FrontPipe) -> list[tuple[int, int, bytes]]:
    """All frames until the end, each copied while it is valid."""
    frames = []
    while (frame := pipe.receive()) is not None:
        frames.append((frame.kind, frame.records, bytes(frame.payload)))
    return frames


payloads = st.lists(st.binary(max_size=3 * SMALL_BUFFER_BYTES), max_size=6)


@given(payloads, st.lists(st.integers(1, 2 * SMALL_BUFFER_BYTES), max_size=30))
def test_frames_come_out_as_they_went_in(payloads: list[bytes], sizes: list[int]) -> None:
    data = b"".join(wire.frame(wire.JOBS, payload, i) for i, payload in enumerate(payloads))
    frames = read_all(connected(data, sizes))
    assert frames == [(wire.JOBS, i, payload) for i, payload in enumerate(payloads)]


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 63, 64, 65, 128, 200])
def test_frames_of_sizes_about_the_buffers(size: int) -> None:
    frame = wire.frame(wire.JOBS, b"x" * size)
    assert read_all(connected(frame * 3)) == [(wire.JOBS, 1, b"x" * size)] * 3


@given(st.binary(max_size=100), st.data())
def test_a_frame_cut_off_is_the_end(payload: bytes, data: st.DataObject) -> None:
    frame = wire.frame(wire.JOBS, payload)
    kept = data.draw(st.integers(0, len(frame) - 1))
    assert connected(frame[:kept]).receive() is None


def test_a_large_frame_has_a_buffer_of_its_own() -> None:
    """Its payload stays valid when the next frame has come."""
    pipe = connected(wire.frame(wire.JOBS, b"a" * 100) + wire.frame(wire.JOBS, b"b" * 100))
    first, second = pipe.receive(), pipe.receive()
    assert first is not None
    assert second is not None
    assert (bytes(first.payload), bytes(second.payload)) == (b"a" * 100, b"b" * 100)


@pytest.mark.parametrize(("records", "kind"), [(1, memoryview), (100, bytes)])
def test_large_records_are_views(records: int, kind: type) -> None:
    data = wire.frame(wire.JOBS, bytes(2 * wire.JOIN_BELOW_BYTES), records)
    fake = FakePipe(data, [len(data)])
    frame = FrontPipe(fake, fake).receive()
    assert frame is not None
    assert type(frame.payload) is kind
    assert bytes(frame.payload) == bytes(2 * wire.JOIN_BELOW_BYTES)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(wire.FrameError):
        connected(wire.frame(99)).receive()


@pytest.mark.parametrize("size", [1, wire.JOIN_BELOW_BYTES])
@pytest.mark.parametrize("sizes", [[], [1], [1, 1, 1000, 1]], ids=["whole", "split", "in pieces"])
def test_what_is_sent_is_written_in_order(size: int, sizes: list[int]) -> None:
    fake = FakePipe(b"", sizes)
    FrontPipe(fake, fake).send([b"a" * size, b"b", b"c"])
    assert b"".join(fake.sent) == b"a" * size + b"bc"


# Frames of a job that 16 MB of memory are too little for, between others: see the program's end.
REFUSED = """
import resource
from scoreserve import wire
from scoreserve.worker.front_pipe import FrontPipe

LARGE, MEDIUM, SMALL = 64_000_000, 150_000, 5

class Pipe:
    '''Hands out pieces of bytes, and so many zeros where a number stands.'''

    def __init__(self, *pieces):
        self.pieces = list(pieces)

    def readinto(self, buffer):
        if not self.pieces:
            return 0
        piece = self.pieces[0]
        if isinstance(piece, int):
            taken = min(piece, len(buffer))
            buffer[:taken] = bytes(taken)
            rest = piece - taken
        else:
            taken = min(len(piece), len(buffer))
            buffer[:taken] = piece[:taken]
            rest = piece[taken:]
        self.pieces[:1] = [rest] if rest else []
        return taken

    def write(self, data):
        return len(data)

    def fileno(self):
        return -1

    def close(self):
        pass

def frame(*sizes, kind=wire.JOBS):
    '''A frame of jobs with bodies of these sizes.'''
    pieces = []
    for number, size in enumerate(sizes, 1):
        record = wire.encode_jobs([wire.Job(number, b"head", [])])[0][wire.PREFIX_BYTES:]
        pieces += (record[:16] + size.to_bytes(8, "little") + b"head", size)
    length = sum(len(piece) if isinstance(piece, bytes) else piece for piece in pieces)
    prefix = wire.frame(kind, b"", len(sizes))[:8] + length.to_bytes(8, "little")
    return [prefix, *pieces]

def told(frame):
    jobs = wire.decode_jobs(frame.payload, frame.records)
    return [(job.id, len(job.body)) for job in jobs], list(frame.refused)

def refused(*pieces):
    try:
        return FrontPipe(pipe := Pipe(*pieces), pipe).receive()
    except (wire.FrameError, MemoryError) as error:
        return type(error).__name__

limit = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + 16_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

mixed, several = frame(SMALL, LARGE, SMALL), frame(LARGE, *[MEDIUM] * 3)
front = Pipe(*mixed, *frame(SMALL), *frame(LARGE), *several)
pipe = FrontPipe(front, front)
assert told(pipe.receive()) == ([(1, SMALL), (3, SMALL)], [2])
assert told(pipe.receive()) == ([(1, SMALL)], [])
assert told(pipe.receive()) == ([], [1])
assert told(pipe.receive()) == ([(2, MEDIUM)], [1, 3, 4])  # as much as the buffer would hold
assert pipe.receive() is None

whole = frame(SMALL, LARGE, SMALL)
assert refused(*whole[:1]) is None
assert refused(*whole[:2]) is None
assert refused(*whole[:3]) is None
assert refused(*whole[:4], LARGE // 2) is None
assert refused(*whole[:5]) is None
assert refused(*frame(LARGE, kind=wire.SETUP)) == "MemoryError"
prefix, record, body = frame(LARGE)
length = LARGE + len(record)
assert refused(prefix[:8] + (length - 1).to_bytes(8, "little"), record, body) == "FrameError"
assert refused(prefix[:8] + (length + 1).to_bytes(8, "little"), record, body) == "FrameError"
assert refused(prefix, record[:16] + (-1).to_bytes(8, "little", signed=True)) == "FrameError"
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for its own size")
def test_a_job_that_there_is_no_memory_for_is_refused_and_no_other() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSED], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
