"""The entry script of a soak: answers with the ids it was sent, and misbehaves where it is told."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

HOG_BYTES = 200 << 20
LONG_BYTES = 2 << 20
HANG_SECONDS = 30  # beyond SCORING_TIMEOUT_MS
FOR_EVER_SECONDS = 3600
LINES = 20
POLL_SECONDS = 0.005
HERE = Path(__file__).parent


def init() -> None:
    """Nothing to load."""


def run(data: str) -> Any:
    request = json.loads(data)
    act, ids = request["act"], [row[0] for row in request["rows"]]
    if act in STREAMS:
        return STREAMS[act](json.dumps(ids) + "\n")
    if act == "object":
        return object()
    if act == "circle":
        ids.append(ids)
    elif act == "echo":
        return {"ids": ids, "rest": request["rest"]}
    elif act == "long":
        return {"ids": ids, "rest": "x" * request.get("size", LONG_BYTES)}
    elif act == "wait":
        wait(ids[0])
    elif act != "answer":
        MISCHIEF[act]()
    return {"ids": ids}


def stream(line: str) -> Iterator[str]:
    for _ in range(LINES):
        yield line


def no_chunk(line: str) -> Iterator[str]:
    fail()
    yield line


def one_chunk(line: str) -> Iterator[str]:
    yield line
    fail()


def asleep(line: str) -> Iterator[str]:
    yield line
    time.sleep(FOR_EVER_SECONDS)


async def awaiting(line: str) -> AsyncIterator[str]:
    yield line
    await asyncio.sleep(FOR_EVER_SECONDS)


def in_c(line: str) -> Iterator[str]:
    yield line
    sum(range(10**12))  # holds the GIL, and looks for no signal


def wait(number: int) -> None:
    """Lets the client know that its request is begun, and waits for it to say something."""
    (HERE / f"{number}.begun").touch()
    while not (HERE / f"{number}.go").exists():
        time.sleep(POLL_SECONDS)


def fail() -> None:
    raise ValueError("as it was told")


STREAMS: dict[str, Callable[[str], object]] = {
    "stream": stream,
    "no_chunk": no_chunk,
    "one_chunk": one_chunk,
    "asleep": asleep,
    "awaiting": awaiting,
    "in_c": in_c,
}

MISCHIEF: dict[str, Callable[[], object]] = {
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(7),
    "raise": fail,
    "sys.exit": sys.exit,
    "sleep": lambda: time.sleep(HANG_SECONDS),
    "hog": lambda: bytearray(HOG_BYTES),
    "print": lambda: print("x" * 100_000),
}
