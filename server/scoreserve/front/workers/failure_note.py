"""What a front leaves for the arbiter: why it gave up. The arbiter tells it last of all."""

from __future__ import annotations

import mmap
import struct

from scoreserve.start_failure import StartFailure

_LENGTH = struct.Struct("I")
_BYTES = 16 * mmap.PAGESIZE  # of which what is not used costs nothing


class FailureNote:
    """Made by the arbiter, before it forks the front: both see the same memory."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _BYTES)

    def write(self, failure: StartFailure) -> None:
        """The front's side. The first one stays: what follows from it is no reason."""
        text = failure.to_json()
        if self.read() is None and len(text) <= _BYTES - _LENGTH.size:
            self._memory[_LENGTH.size : _LENGTH.size + len(text)] = text
            _LENGTH.pack_into(self._memory, 0, len(text))

    def read(self) -> StartFailure | None:
        """The arbiter's side."""
        (length,) = _LENGTH.unpack_from(self._memory)
        text = self._memory[_LENGTH.size : _LENGTH.size + length]
        return StartFailure.from_json(text) if length else None
