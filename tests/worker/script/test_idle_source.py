"""What the worker reads, with something that runs while there is nothing."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator

import pytest

from scoreserve.worker.script.idle_source import IdleSource


@pytest.fixture
def pipe() -> Iterator[tuple[IdleSource, int]]:
    """The source, and the descriptor that writes to it."""
    reader, writer = os.pipe()
    file = io.FileIO(reader, "rb")
    yield IdleSource(file), writer
    file.close()
    os.close(writer)


def read(source: IdleSource) -> bytes:
    buffer = bytearray(10)
    size = source.readinto(memoryview(buffer))
    assert size is not None
    return bytes(buffer[:size])


def test_reads_as_the_file_does(pipe: tuple[IdleSource, int]) -> None:
    source, writer = pipe
    os.write(writer, b"abc")
    assert read(source) == b"abc"
    assert os.get_blocking(source.fileno())


def test_waits_only_where_there_is_nothing(pipe: tuple[IdleSource, int]) -> None:
    source, writer = pipe
    waited: list[int] = []

    def wait(descriptor: int) -> None:
        waited.append(descriptor)
        os.write(writer, b"later")

    source.run_meanwhile(wait)
    os.write(writer, b"now")
    assert read(source) == b"now"
    assert waited == []
    assert read(source) == b"later"
    assert waited == [source.fileno()]


def test_reads_what_an_event_loop_has_made_non_blocking(pipe: tuple[IdleSource, int]) -> None:
    """Nothing to read is no end."""
    source, writer = pipe
    os.set_blocking(source.fileno(), False)
    calls: list[int] = []

    class File(io.FileIO):
        def readinto(self, buffer: object) -> int | None:
            received = super().readinto(buffer)  # type: ignore[arg-type]
            calls.append(-1 if received is None else received)
            if received is None:
                os.write(writer, b"x")
            return received

    source = IdleSource(File(os.dup(source.fileno()), "rb"))
    source.run_meanwhile(lambda descriptor: None)
    assert read(source) == b"x"
    assert calls == [-1, 1]
    source.close()
