"""The worker's end of the pipe that frames come from, which lets something run while none comes."""

from __future__ import annotations

import io
import select
from collections.abc import Callable


class IdleSource:
    """Reads from `file`, as quick as that is, until there is something to run meanwhile."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self.readinto: Callable[[memoryview], int | None] = file.readinto

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()

    def run_meanwhile(self, wait: Callable[[int], None]) -> None:
        """Has `wait` called before every read; it returns once the descriptor can be read."""
        poll = select.poll()
        poll.register(self._file.fileno(), select.POLLIN)

        def readinto(buffer: memoryview) -> int | None:
            while True:
                if not poll.poll(0):
                    wait(self._file.fileno())
                # An event loop may have made it one that does not block.
                received = self._file.readinto(buffer)
                if received is not None:
                    return received
                poll.poll()

        self.readinto = readinto
