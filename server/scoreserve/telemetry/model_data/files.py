"""The files that events are kept in, laid out as Azure does.

    <directory>/<collection>/2026/11/30/18/<instance>.jsonl     that hour's (UTC), in the order of
                                                                their coming
                                           <instance>.1.jsonl   where that one is full, and so on

Nothing is ever deleted, and nothing stays open: whoever moves or deletes files need not ask.
"""

from __future__ import annotations

import errno
import os
import time

_FILE_BYTES = 100_000_000
_FILES = 10  # in an hour


class CollectedFiles:
    """Files under `directory`, written by this `instance` alone."""

    def __init__(
        self, directory: str, instance: str, *, file_bytes: int = _FILE_BYTES, files: int = _FILES
    ) -> None:
        self.directory = directory
        self._instance = instance
        self._file_bytes = file_bytes
        self._files = files

    def append(self, collection: str, line: bytes, now: float) -> None:
        """Adds a line, whole or not at all. Raises OSError, also where the hour is full."""
        hour = time.strftime("%Y/%m/%d/%H", time.gmtime(now))
        folder = os.path.join(self.directory, collection, hour)
        os.makedirs(folder, exist_ok=True)
        for number in range(self._files):
            suffix = f".{number}.jsonl" if number else ".jsonl"
            if _append(os.path.join(folder, self._instance + suffix), line, self._file_bytes):
                return
        limit = f"{self._files} files of {self._file_bytes:,} bytes in an hour"
        raise OSError(errno.EFBIG, f"more than {limit}", folder)


def _append(path: str, line: bytes, limit: int) -> bool:
    """Whether the file had room for the line. Raises OSError."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and size + len(line) > limit:
            return False
        # A writer that was killed may have left a line without an end.
        broken = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        try:
            _write(descriptor, b"\n" + line if broken else line)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)
    return True


def _write(descriptor: int, data: bytes) -> None:
    """All of it: a disk that is nearly full takes a part, and fails at the next attempt."""
    while data:
        data = data[os.write(descriptor, data) :]
