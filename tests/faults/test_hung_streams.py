"""Generators that stand still: their client leaves, or waits for too long. Other requests go on."""

from __future__ import annotations

import http.client

import pytest

from tests.live.conftest import Serve
from tests.servers import Server, wait_until

# run() is told what to do after the first chunk.
SCRIPT = """
import os, time

def init(): pass

def asleep():
    yield "first"
    try:
        time.sleep(600)
    except Exception:
        pass  # what ends it is no exception of this kind
    yield "never sent"

def busy():
    yield "first"
    while True:
        pass

async def waiting():
    import asyncio
    yield "first"
    await asyncio.sleep(600)

def in_c():
    yield "first"
    sum(range(10**12))  # holds the GIL, and looks for no signal

def run(data):
    return {"asleep": asleep, "busy": busy, "waiting": waiting, "in_c": in_c}.get(data, os.getpid)()
"""


@pytest.fixture(params=["true", "false"], ids=["fast path", "ASGI path"])
def env(request: pytest.FixtureRequest) -> dict[str, str]:
    return {"SCORESERVE_FAST_PATH": request.param}


class Stream:
    """A stream of this kind, of which the first chunk has come."""

    def __init__(self, server: Server, kind: str) -> None:
        self._connection = server.connect()
        self._connection.request("POST", "/score", body=kind)
        self.response = self._connection.getresponse()
        assert self.response.read1() == b"first"

    def leave(self) -> None:
        """The client closes the connection."""
        self.response.close()
        self._connection.close()


@pytest.mark.parametrize("kind", ["asleep", "busy", "waiting"])
def test_a_client_that_leaves_frees_its_worker(
    serve: Serve, env: dict[str, str], kind: str
) -> None:
    with serve(SCRIPT, env={"SCORING_TIMEOUT_MS": "60000", **env}) as server:
        worker = server.score("pid").json()
        Stream(server, kind).leave()
        assert server.score("pid").json() == worker


def test_where_the_generator_cannot_be_ended_its_worker_is_replaced(
    serve: Serve, env: dict[str, str]
) -> None:
    with serve(SCRIPT, env=env) as server:
        worker = server.score("pid").json()
        Stream(server, "in_c").leave()
        assert server.score("pid").json() != worker
        assert "its generator did not end" in server.output


@pytest.mark.parametrize("kind", ["asleep", "in_c"])
def test_one_that_stands_still_is_under_worker_timeout(
    serve: Serve, env: dict[str, str], kind: str
) -> None:
    with serve(SCRIPT, env={"WORKER_TIMEOUT": "1", **env}) as server:
        stream = Stream(server, kind)
        assert server.score("pid").status == 200
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            stream.response.read()
        assert "WORKER_TIMEOUT" in server.output


def test_other_workers_answer_what_waits_behind_a_stream(serve: Serve, env: dict[str, str]) -> None:
    with serve(SCRIPT, env={"WORKER_COUNT": "2", **env}) as server:
        wait_until(lambda: len(server.workers()) == 2, "both workers")
        for _ in range(300):  # a fast script: jobs are handed ahead
            server.score("pid")
        streaming = Stream(server, "asleep")
        replies = [server.start_score("pid") for _ in range(20)]
        assert {reply.reply().status for reply in replies} == {200}
        streaming.leave()
