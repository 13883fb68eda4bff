"""The template's end of its socket to the front: frames as for a worker, one a message.

A request to fork brings the worker's ends of its two pipes along.
"""

from __future__ import annotations

import os
import socket
from typing import NamedTuple

from scoreserve import wire

_MOST_BYTES = 1 << 18  # of a message; the front's settings are the longest
_DESCRIPTORS = 2


class Message(NamedTuple):
    """One frame from the front, and the descriptors that came with it."""

    kind: int
    payload: bytes
    descriptors: list[int]


class FrontSocket:
    """Blocking; ends with the process that has it, not with children that it forks."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        os.register_at_fork(after_in_child=self.close)

    def receive(self) -> Message | None:
        """The next message, or None when the front has closed its end."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, _MOST_BYTES, _DESCRIPTORS)
        except OSError:  # a child of the script's that has come back from init()
            return None
        if not data:
            return None
        kind, _, _ = wire.read_prefix(data)
        return Message(kind, data[wire.PREFIX_BYTES :], descriptors)

    def send(self, kind: int, payload: bytes) -> None:
        """Raises OSError when the front is gone."""
        self._socket.send(wire.frame(kind, payload))

    def close(self) -> None:
        self._socket.close()
