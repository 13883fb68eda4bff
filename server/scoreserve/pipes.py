"""The pipes between the front and its workers."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os

# An image or a few hundred rows: a larger body stops writer and reader in turn. Linux has 64 kB
# unless asked, and takes no memory for it before it is written to.
_CAPACITY_BYTES = 1 << 18


def pipe() -> tuple[io.FileIO, io.FileIO]:
    """The reading and the writing end of a new pipe, which no child inherits.

    Raises OSError where the system has none to give.
    """
    reader, writer = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # a user with many pipes gets small ones
            fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _CAPACITY_BYTES)
    return io.FileIO(reader, "rb"), io.FileIO(writer, "wb")
