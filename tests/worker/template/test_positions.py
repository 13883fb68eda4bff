"""Which of the files that a fork has in common get a position of their own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scoreserve.worker.template import positions

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="by /proc")

Opened = Callable[[int], tuple[int, int]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rows"
    path.write_bytes(b"0123456789")
    return path


@pytest.fixture
def opened(path: Path) -> Iterator[Opened]:
    """Opens the file, and returns its descriptor with another for the same, as a fork has it."""
    with ExitStack() as stack:

        def opened(flags: int) -> tuple[int, int]:
            descriptor = os.open(path, flags)
            stack.callback(os.close, descriptor)
            forks = os.dup(descriptor)
            stack.callback(os.close, forks)
            return descriptor, forks

        yield opened


@pytest.mark.parametrize("deleted", [False, True])
def test_one_that_is_read_goes_on_from_where_it_was(
    deleted: bool, opened: Opened, path: Path
) -> None:
    own, others = opened(os.O_RDONLY)
    assert os.read(own, 3) == b"012"
    if deleted:
        path.unlink()
    positions.make_own([own])
    assert os.read(own, 3) == b"345"
    assert os.read(others, 2) == b"34"
    assert not os.get_inheritable(own)


@pytest.mark.parametrize("flags", [os.O_WRONLY, os.O_WRONLY | os.O_APPEND, os.O_RDWR])
def test_one_that_is_written_has_one_for_all(flags: int, opened: Opened) -> None:
    own, others = opened(flags)
    positions.make_own([own])
    os.write(own, b"abc")
    os.write(others, b"def")
    assert os.lseek(own, 0, os.SEEK_CUR) == os.lseek(others, 0, os.SEEK_CUR)


def test_what_is_no_file_or_is_closed_is_left_alone(opened: Opened) -> None:
    source, sink = os.pipe()
    own, others = opened(os.O_RDONLY)
    closed = os.dup(own)
    os.close(closed)
    positions.make_own([source, closed, own])
    os.write(sink, b"x")
    assert os.read(source, 1) == b"x"
    os.lseek(own, 4, os.SEEK_SET)
    assert os.lseek(others, 0, os.SEEK_CUR) == 0
    os.close(source)
    os.close(sink)
