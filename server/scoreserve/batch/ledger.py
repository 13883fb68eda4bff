"""What is done, on disk: so that a job that dies in any way goes on where it was, and every input
is in the output exactly once.

`OUTPUT/.parts/results` is a row of records, one for each mini-batch that ended, written by the
driver alone: a line of JSON, and so many bytes of the output. A record counts once it is whole: its
checksum says so. What a kill or a power cut leaves of one at the end is cut off, and its mini-batch
done again. A mini-batch that failed is not kept from a second chance: the record of a later success
takes the place of its failure.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from scoreserve.batch.work import Done, UnusableInput

FOLDER = ".parts"
_RESULTS, _JOB = "results", "job.json"
_SYNC_SECONDS = 1.0  # at most so much is done again after a power cut


class _Record(NamedTuple):
    done: Done  # without its payload
    start: int  # of the payload, in the file
    size: int


class Ledger:
    """The records of the job with this fingerprint.

    Raises UnusableInput where another driver is at work, or there are records and `resume` is not
    asked for, or they are of another job.
    """

    def __init__(
        self,
        output: Path,
        fingerprint: str,
        *,
        resume: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = output / FOLDER
        self._clock = clock
        self._synced_at = clock()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = open(self._folder / _RESULTS, "a+b")  # noqa: SIM115 - see close
        try:
            self._lock(output)
            if self._file.seek(0, os.SEEK_END):
                self._require_resumable(output, fingerprint, resume=resume)
            about = json.dumps({"fingerprint": fingerprint})
            (self._folder / _JOB).write_text(about, encoding="utf-8")
        except UnusableInput:
            self._file.close()
            raise
        self._records = _read(self._file)

    def _lock(self, output: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UnusableInput(f"--output {output}: another job is writing there") from None

    def _require_resumable(self, output: Path, fingerprint: str, *, resume: bool) -> None:
        """A job that ended before it had a result is none: it may begin anew in any way."""
        if not resume:
            raise UnusableInput(
                f"--output {output}: a job that has not ended is there. Go on with it with"
                " --resume, or name another folder."
            )
        _require_same(self._folder / _JOB, fingerprint)

    def close(self) -> None:
        """Lets another driver have it."""
        self._file.close()

    def is_done(self, index: int) -> bool:
        """Whether the mini-batch needs no further try."""
        record = self._records.get(index)
        return record is not None and not record.done.failed

    def has(self, index: int) -> bool:
        """Whether the mini-batch has ended, well or not."""
        return index in self._records

    def forget_failures(self) -> None:
        """They have another chance."""
        self._records = {
            index: record for index, record in self._records.items() if not record.done.failed
        }

    def add(self, done: Done) -> None:
        """Keeps it. When this returns, the death of this process does no harm to it."""
        self._records[done.number] = _append(self._file, done)
        self._file.flush()
        if self._clock() - self._synced_at >= _SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced_at = self._clock()

    def ended(self) -> Iterator[Done]:
        """All records, without their payloads."""
        return (record.done for record in self._records.values())

    def payloads(self, *, ordered: bool) -> Iterator[bytes]:
        """The parts of the output, in the order of the input or as they ended."""
        records = sorted(self._records.items()) if ordered else list(self._records.items())
        with open(self._folder / _RESULTS, "rb") as file:
            for _, record in records:
                if record.size:
                    file.seek(record.start)
                    yield file.read(record.size)

    def remove(self) -> None:
        """When the output is written."""
        shutil.rmtree(self._folder)


def _append(file: BinaryIO, done: Done) -> _Record:
    kept = done._replace(payload=b"")
    fields = [*kept[:5], kept.error, kept.failed, len(done.payload), zlib.crc32(done.payload)]
    head = json.dumps(fields).encode()
    line = b"%08x %s\n" % (zlib.crc32(head), head)
    start = file.seek(0, os.SEEK_END) + len(line)
    file.write(line + done.payload)
    return _Record(kept, start, len(done.payload))


def _read(file: BinaryIO) -> dict[int, _Record]:
    """The records that are whole. What follows the last is cut off."""
    found: dict[int, _Record] = {}
    file.seek(0)
    end = 0
    while (record := _next(file)) is not None:
        if not (record.done.failed and record.done.number in found):
            found.pop(record.done.number, None)
            found[record.done.number] = record
        end = record.start + record.size
    file.truncate(end)
    return found


def _next(file: BinaryIO) -> _Record | None:
    line = file.readline()
    checksum, _, head = line.rstrip(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != b"%08x" % zlib.crc32(head):
        return None
    *counts, error, failed, size, payload_checksum = json.loads(head)
    number, items, succeeded, tries, seconds = counts
    start = file.tell()
    payload = file.read(size)
    if len(payload) < size or zlib.crc32(payload) != payload_checksum:
        return None
    return _Record(Done(number, items, succeeded, tries, seconds, b"", error, failed), start, size)


def _require_same(path: Path, fingerprint: str) -> None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found != fingerprint:
        raise UnusableInput(
            f"--resume: the job in {path.parent.parent} was another: its input, its mini-batch"
            " size or its output format has changed. Name another folder with --output."
        )
