"""stdout and stderr that lose what cannot be written, and nothing else."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from scoreserve.stdio import Sink, Stream

LINE = b"x" * 1023 + b"\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Its reading and its writing end."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def drain(reader: int) -> bytes:
    """All that is in a pipe now."""
    os.set_blocking(reader, False)
    data = b""
    with suppress(BlockingIOError):
        while piece := os.read(reader, 1 << 16):
            data += piece
    return data


class TestSink:
    def test_writes_all_of_it(self, pipe: tuple[int, int]) -> None:
        reader, writer = pipe
        sink = Sink(writer, 10.0)
        assert sink.write(LINE) == len(LINE)
        assert drain(reader) == LINE

    def test_loses_what_a_full_disk_refuses(self) -> None:
        with open("/dev/full", "wb") as full:
            assert Sink(full.fileno(), 10.0).write(LINE) == len(LINE)

    def test_loses_what_nobody_is_left_to_read(self, pipe: tuple[int, int]) -> None:
        reader, writer = pipe
        sink = Sink(writer, 10.0)
        os.close(reader)
        assert sink.write(LINE) == len(LINE)

    def test_loses_what_a_closed_descriptor_would_get(self) -> None:
        descriptor = os.open("/dev/null", os.O_WRONLY)
        sink = Sink(descriptor, 10.0)
        os.close(descriptor)
        assert sink.write(LINE) == len(LINE)

    def test_loses_what_a_full_pipe_has_no_room_for_until_there_is_room(
        self, pipe: tuple[int, int]
    ) -> None:
        reader, writer = pipe
        sink = Sink(writer, 0.01)
        for _ in range(1000):  # far more than a pipe holds
            sink.write(LINE)
        before = drain(reader)
        assert 0 < len(before) < 1000 * len(LINE)
        sink.write(b"after\n")
        assert drain(reader) in (b"after\n", b"\nafter\n")

    def test_ends_the_line_that_it_had_to_cut(self, pipe: tuple[int, int]) -> None:
        reader, writer = pipe
        sink = Sink(writer, 0.01)
        sink.write(b"x" * (1 << 20) + b"\n")
        assert drain(reader).strip(b"x") == b""
        sink.write(b"after\n")
        assert drain(reader) == b"\nafter\n"

    def test_leaves_the_pipe_as_others_know_it(self, pipe: tuple[int, int]) -> None:
        _, writer = pipe
        Sink(writer, 0.01)
        assert os.get_blocking(writer)

    def test_a_socket_that_nobody_reads_holds_up_nobody(self) -> None:
        """As that of systemd's journal."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            sink = Sink(ours.fileno(), 0.01)
            for _ in range(20_000):  # far more than a socket holds
                sink.write(LINE)
            assert ours.getblocking()
            assert theirs.recv(1 << 20).startswith(LINE)

    def test_a_terminal_that_is_stopped_holds_up_nobody(self) -> None:
        theirs, ours = pty.openpty()
        try:
            sink = Sink(ours, 0.01)
            for _ in range(5_000):  # far more than a terminal holds
                sink.write(LINE)
            assert os.get_blocking(ours)
            assert os.read(theirs, 1 << 16)
        finally:
            os.close(theirs)
            os.close(ours)

    def test_lines_of_several_processes_are_not_torn(self, pipe: tuple[int, int]) -> None:
        """Whatever is written at once, and full as the pipe may be."""
        reader, writer = pipe
        code = """
import os, sys
from scoreserve.stdio import Sink
sink = Sink(1, 30.0)
line = sys.argv[1].encode() * int(sys.argv[2]) + b"\\n"
for _ in range(400):
    sink.write(line * 10)
"""
        lengths = {"a": 150, "b": 700, "c": 4000, "d": 17}
        writers = [
            subprocess.Popen([sys.executable, "-c", code, name, str(length)], stdout=writer)
            for name, length in lengths.items()
        ]
        lines: Counter[bytes] = Counter()
        with os.fdopen(os.dup(reader), "rb") as lines_of_all:
            for _ in range(4 * 4000):
                lines[lines_of_all.readline()] += 1
        for process in writers:
            assert process.wait() == 0
        assert lines == {name.encode() * length + b"\n": 4000 for name, length in lengths.items()}


class TestStream:
    def test_writes_a_long_line_with_its_end(self, pipe: tuple[int, int]) -> None:
        """What is written at once is not torn by what another process writes."""
        _, writer = pipe
        written: list[bytes] = []

        class Recording(Sink):
            def write(self, data: Any) -> int:
                written.append(bytes(data))
                return len(data)

        sink = Recording(writer, 10.0)
        print("x" * 20_000, file=Stream(sink))
        assert written == [b"x" * 20_000 + b"\n"]

    def test_writes_a_line_at_a_time_in_utf_8(self, pipe: tuple[int, int]) -> None:
        reader, writer = pipe
        stream = Stream(Sink(writer, 10.0))
        stream.write("ä\ud800")
        assert drain(reader) == b""
        stream.write("\n")
        assert drain(reader) == b"\xc3\xa4\\ud800\n"

    def test_goes_on_after_a_script_has_closed_it(self, pipe: tuple[int, int]) -> None:
        reader, writer = pipe
        stream = Stream(Sink(writer, 10.0))
        stream.close()
        print("after", file=stream)
        assert drain(reader) == b"after\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_descriptors_that_were_closed_at_the_start_are_taken(closed: str) -> None:
    code = """
import os, sys
from scoreserve import stdio
stdio.install(1.0)
print("out"), print("error", file=sys.stderr)
with open(os.devnull) as file:
    os._exit(0 if file.fileno() > 2 else 1)
"""
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, code], check=False
    )
    assert done.returncode == 0
