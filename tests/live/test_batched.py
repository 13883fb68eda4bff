"""A `@batched` run() under the real server: many clients, shared calls, each answer its own."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.live.conftest import Serve
from tests.servers import Server

SCRIPT = """
import json
import time
from scoreserve import batched

def init():
    pass

@batched(max_batch_size=16)
def run(inputs):
    time.sleep(0.01)  # so that others queue meanwhile
    numbers = [json.loads(text) for text in inputs]
    return [
        {"double": 2 * number, "together": len(inputs)} if number >= 0 else ValueError(number)
        for number in numbers
    ]
"""
CLIENTS = 24
REQUESTS = 50  # of each


@pytest.mark.parametrize("path_to_score", ["true", "false"], ids=["fast path", "ASGI path"])
def test_answers_are_not_crossed_and_calls_are_shared(serve: Serve, path_to_score: str) -> None:
    with serve(SCRIPT, env={"SCORESERVE_FAST_PATH": path_to_score, "WORKER_COUNT": "2"}) as server:

        def ask(client: int) -> list[int]:
            return [ask_one(server, client * REQUESTS + number) for number in range(REQUESTS)]

        with ThreadPoolExecutor(CLIENTS) as pool:
            together = [size for sizes in pool.map(ask, range(CLIENTS)) for size in sizes]
        assert max(together) > 1
        assert max(together) <= 16


def ask_one(server: Server, number: int) -> int:
    """Checks one answer; how many inputs shared its call."""
    answer = server.score(str(number)).json()
    assert answer["double"] == 2 * number
    return int(answer["together"])


def test_a_bad_input_among_good_ones_fails_alone(serve: Serve) -> None:
    with serve(SCRIPT) as server:
        numbers = [-1 if place % 5 == 0 else place for place in range(40)]
        numbers_as_text = [json.dumps(number) for number in numbers]
        pending = [server.start_score(text) for text in [*numbers_as_text, "poison"]]
        replies = [request.reply() for request in pending]
        assert [reply.status for reply in replies[:-1]] == [
            500 if number < 0 else 200 for number in numbers
        ]
        assert replies[-1].status == 500


def test_what_it_does_not_go_with_ends_the_server(launch: Serve) -> None:
    script = """
from scoreserve import batched
def init(): pass
@batched
def run(inputs, request_headers): return inputs
"""
    with launch(script) as server:
        assert server.wait_exit() == 3
        assert "A @batched run() takes a list of texts" in server.output
