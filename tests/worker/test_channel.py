"""The worker's end of the socket: whole frames, however the bytes come."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve import wire
from scoreserve.worker.channel import Channel

SMALL_BUFFER_BYTES = 64  # so that frames of all sizes relative to it are small


class FakeSocket:
    """Hands out `data` in pieces of the sizes given, then of one byte, then its end."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data = data
        self._sizes = sizes
        self.sent: list[bytes] = []

    def recv_into(self, buffer: memoryview, nbytes: int = 0, flags: int = 0) -> int:
        size = self._sizes.pop(0) if self._sizes else 1
        piece = self._data[: min(size, len(buffer))]
        self._data = self._data[len(piece) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def sendall(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self._data = b""


Connect = Callable[..., Channel]


def connected(data: bytes, sizes: list[int] | None = None) -> Channel:
    sock = FakeSocket(data, [len(data)] if sizes is None else sizes)
    return Channel(sock, sock, SMALL_BUFFER_BYTES)


def test_one_that_gave_up_leaves_the_front_to_others() -> None:
    ours, theirs = socket.socketpair()
    with theirs, ours.dup():  # the parent's, of which a fork has a copy
        channel = Channel(ours, ours)
        theirs.sendall(wire.frame(wire.STAGE, b"for the parent"))
        channel.give_up()
        assert channel.receive() is None
        with pytest.raises(BrokenPipeError):
            channel.send([b"not from us"])
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
        channel._source.close()


def read_all(channel: Channel) -> list[tuple[int, int, bytes]]:
    """All frames until the end, each copied while it is valid."""
    frames = []
    while (frame := channel.receive()) is not None:
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
    channel = connected(wire.frame(wire.JOBS, b"a" * 100) + wire.frame(wire.JOBS, b"b" * 100))
    first, second = channel.receive(), channel.receive()
    assert first is not None
    assert second is not None
    assert (bytes(first.payload), bytes(second.payload)) == (b"a" * 100, b"b" * 100)


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(wire.FrameError):
        connected(wire.frame(99)).receive()


@pytest.mark.parametrize("size", [1, wire.JOIN_BELOW_BYTES])
def test_what_is_sent_is_written_in_order(size: int) -> None:
    fake = FakeSocket(b"", [])
    Channel(fake, fake).send([b"a" * size, b"b", b"c"])
    assert b"".join(fake.sent) == b"a" * size + b"bc"
