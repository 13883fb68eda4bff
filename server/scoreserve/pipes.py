"""The pipes between the front and its workers."""

from __future__ import annotations

import io
import os


def pipe() -> tuple[io.FileIO, io.FileIO]:
    """The reading and the writing end of a new pipe, which no child inherits.

    Raises OSError where the system has none to give.
    """
    reader, writer = os.pipe()
    return io.FileIO(reader, "rb"), io.FileIO(writer, "wb")
