"""The worker's end of the socketpair: blocking, one frame at a time."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from typing import NamedTuple

from scoreserve import wire

_BUFFER_BYTES = 1 << 18
_JOIN_BELOW_BYTES = 1 << 16  # one write beats several as long as copying is cheap
_ORPHAN_GRACE_SECONDS = 1.0


class Frame(NamedTuple):
    """One frame. `payload` is valid until the next `receive`, unless it has a buffer of its own."""

    kind: int
    count: int
    payload: memoryview


class Channel:
    """Frames over a connected stream socket whose other end is the front's."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._filled = 0

    def receive(self) -> Frame | None:
        """The next frame, or None when the front has closed its end.

        A frame larger than the standing buffer gets one of its own, which its payload keeps alive:
        whoever drops the payload frees the memory of a large body.
        """
        if not self._fill(wire.PREFIX_BYTES):
            return None
        kind, count, length = wire.read_prefix(self._buffer)
        end = wire.PREFIX_BYTES + length
        if end <= _BUFFER_BYTES:
            if not self._fill(end):
                return None
            payload = self._buffer[wire.PREFIX_BYTES : end]
        else:
            large = self._receive_large(length)
            if large is None:
                return None
            payload = large
        # The front sends a frame only when the last one is answered, so nothing can follow it.
        self._filled = 0
        return Frame(kind, count, payload)

    def send(self, buffers: list[bytes]) -> None:
        """Writes the buffers in order. Raises OSError when the front is gone."""
        if sum(map(len, buffers)) < _JOIN_BELOW_BYTES:
            self._socket.sendall(b"".join(buffers))
            return
        for buffer in buffers:
            self._socket.sendall(buffer)

    def _fill(self, needed: int) -> bool:
        """Reads until `needed` bytes stand in the buffer; False at end of stream."""
        while self._filled < needed:
            received = self._socket.recv_into(self._buffer[self._filled :])
            if not received:
                return False
            self._filled += received
        return True

    def _receive_large(self, length: int) -> memoryview | None:
        payload = memoryview(bytearray(length))
        have = self._filled - wire.PREFIX_BYTES
        payload[:have] = self._buffer[wire.PREFIX_BYTES : self._filled]
        while have < length:
            received = self._socket.recv_into(payload[have:], 0, socket.MSG_WAITALL)
            if not received:
                return None
            have += received
        return payload


def die_with(sock: socket.socket) -> None:
    """Ends this process and its children once the other end of `sock` is closed.

    An idle worker leaves by itself when `receive` sees the end. This thread is for the one that is
    busy in run(): it gets a moment, then the whole process group is killed, so that neither the
    worker nor what the script started outlives the server.
    """
    threading.Thread(target=_wait_for_hang_up, args=(sock.fileno(),), daemon=True).start()


def _wait_for_hang_up(descriptor: int) -> None:
    poller = select.poll()
    poller.register(descriptor, 0)  # no events asked for: only a hang-up is reported
    poller.poll()
    time.sleep(_ORPHAN_GRACE_SECONDS)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
