"""Where forked workers would not do, each worker runs init() itself, and the reason is told."""

from __future__ import annotations

import pytest

from tests.preload.conftest import Preload

DIES = """
import os
loaded_in = os.getpid()
def init(): pass
def run(data):
    if os.getpid() != loaded_in:
        os._exit(9)
    return "answered"
"""
DIFFERS = DIES.replace("os._exit(9)", 'return "another answer"')
SHARES = """
import socket
def init():
    global pair
    pair = socket.socketpair()
def run(data):
    pair[0].send(b"answered")
    return pair[1].recv(8).decode()
"""
AWAITS = """
import asyncio
async def init(): pass
async def run(data): return "answered"
"""
FAILS_WITH_THE_SAMPLE = """
def init(): pass
def run(data):
    if data.startswith("{"):
        raise ValueError("this is no sample of mine")
    return "answered"
"""


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (DIES, "exited with code 9 before it had answered the sample request"),
        (DIFFERS, "a forked worker answers sample_request.json otherwise than a spawned one"),
        (SHARES, "init() has opened 2 socket(s), which forked workers would share"),
        (AWAITS, "event loop"),
        (FAILS_WITH_THE_SAMPLE, "sample_request.json is answered 500"),
    ],
    ids=["dies", "differs", "shares", "awaits", "fails"],
)
def test_of_a_script_that(preload: Preload, script: str, reason: str) -> None:
    with preload(script) as preloading:
        told = preloading.wait_for("off")
        assert reason in told["reason"]
        assert (told["template"], preloading.server.score("x").json()) == (None, "answered")
        assert f"preload: off: {told['reason']}" in preloading.server.output
        assert "scoreserve_preload 0.0" in preloading.server.get("/metrics").body.decode()
        assert len(preloading.server.workers()) == 2  # and no template is left


def test_of_a_script_without_a_sample(preload: Preload) -> None:
    with preload("def init(): pass\ndef run(data): return data\n", sample="") as preloading:
        told = preloading.wait_for("off")
        assert "put the body of a request into sample_request.json" in told["reason"]
