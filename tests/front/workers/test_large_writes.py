"""The memory of a large body goes back once it is written, and that of others is left alone."""

from __future__ import annotations

import asyncio
import os
from types import SimpleNamespace

import pytest
import uvloop

from scoreserve.front.workers import large_writes
from scoreserve.front.workers.large_writes import LARGE_BYTES, LargeWrites

PIECE = bytes(1 << 18)
LARGE = LARGE_BYTES // len(PIECE) + 2  # pieces; what goes out at once is not counted


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """An item for each time that memory is given back."""
    calls: list[None] = []
    monkeypatch.setattr(large_writes, "release_free_memory", lambda: calls.append(None))
    return calls


async def write(releases: list[None], *sizes: int) -> list[int]:
    """Writes so many pieces at a time to a pipe, each time read to the end before the next; how
    often memory had been given back after each.
    """
    reader, writer = os.pipe()
    loop = asyncio.get_running_loop()
    with open(reader, "rb") as source, open(writer, "wb", 0) as sink:
        transport, _ = await loop.connect_write_pipe(LargeWrites, sink)
        counts: list[int] = []
        for size in sizes:
            before = len(releases)
            transport.writelines([PIECE] * size)
            assert len(releases) == before  # it is not written yet
            await loop.run_in_executor(None, source.read, size * len(PIECE))
            counts.append(len(releases))
        transport.abort()
        await asyncio.sleep(0)
    return counts


def test_a_large_body_is_given_back_once_it_is_written(releases: list[None]) -> None:
    assert uvloop.run(write(releases, LARGE)) == [1]


def test_others_are_not_worth_it(releases: list[None]) -> None:
    assert uvloop.run(write(releases, 1, LARGE // 2)) == [0, 0]


def test_each_is_for_itself(releases: list[None]) -> None:
    assert uvloop.run(write(releases, LARGE, LARGE // 2, LARGE)) == [1, 1, 2]


def test_an_allocator_that_need_not_be_told_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    large_writes.release_free_memory()


def test_the_allocator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr("ctypes.CDLL", lambda name: SimpleNamespace(malloc_trim=told.append))
    large_writes.release_free_memory()
    assert told == [0]
