"""The entry script of a soak: answers with the ids it was sent, and misbehaves where it is told."""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

HOG_BYTES = 200 << 20
LONG_BYTES = 2 << 20
HANG_SECONDS = 30  # beyond SCORING_TIMEOUT_MS


def init() -> None:
    """Nothing to load."""


def run(data: str) -> Any:
    request = json.loads(data)
    ids = [row[0] for row in request["rows"]]
    if request["act"] == "stream":
        return stream(ids)
    if request["act"] == "object":
        return object()
    if request["act"] == "long":
        return {"ids": ids, "rest": "x" * LONG_BYTES}
    if request["act"] != "answer":
        MISCHIEF[request["act"]]()
    return {"ids": ids}


def stream(ids: list[int]) -> Iterator[str]:
    for _ in range(20):
        yield json.dumps(ids) + "\n"


def fail() -> None:
    raise ValueError("as it was told")


MISCHIEF: dict[str, Callable[[], object]] = {
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(7),
    "raise": fail,
    "sys.exit": sys.exit,
    "sleep": lambda: time.sleep(HANG_SECONDS),
    "hog": lambda: bytearray(HOG_BYTES),
    "print": lambda: print("x" * 100_000),
}
