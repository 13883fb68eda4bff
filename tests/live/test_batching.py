"""Batching on a real server: many clients at once, everybody gets their own."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import pytest

from tests.live.conftest import Serve
from tests.servers import DEADLINE_SECONDS, Server, read_reply

CLIENTS = 32
JSON = {"content-type": "application/json"}

ROADS = pytest.mark.parametrize("short_road", ["true", "false"], ids=["short", "long"])

# Goes by rows, and writes down how many it got.
COUNTING = """
import json, pathlib
calls = open(pathlib.Path(__file__).parent / "calls", "a", buffering=1)
def init(): pass
def run(data):
    rows = json.loads(data)["data"]
    print(len(rows), file=calls)
    if any(row[0] < 0 for row in rows):
        raise ValueError("poison")
    return {"result": [[row[0], row[1] * 2] for row in rows], "version": "1"}
"""


class Asked(NamedTuple):
    """One client's requests and what they were answered, in order."""

    bodies: Sequence[str]
    replies: list[tuple[int, Any]]


def ask_all(server: Server, bodies: Sequence[str], path: str = "/score") -> list[Asked]:
    """Sends the requests from many clients at once, each on a connection that it keeps."""
    start = threading.Barrier(CLIENTS)

    def ask(mine: Sequence[str]) -> Asked:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE_SECONDS)
        replies = []
        try:
            start.wait(DEADLINE_SECONDS)
            for text in mine:
                connection.request("POST", path, text, {**JSON, "x-request-id": f"id of {text}"})
                reply = read_reply(connection)
                assert reply.headers["x-request-id"] == f"id of {text}"
                replies.append((reply.status, reply.json()))
        finally:
            connection.close()
        return Asked(mine, replies)

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(ask, [bodies[number::CLIENTS] for number in range(CLIENTS)]))


def exchanges(asked: Sequence[Asked]) -> Iterator[tuple[Any, int, Any]]:
    """Every request, its status and its answer."""
    for each in asked:
        for text, (status, answer) in zip(each.bodies, each.replies, strict=True):
            yield json.loads(text), status, answer


def calls_of(server: Server) -> list[int]:
    """With how many rows run() was called, each time."""
    return [int(line) for line in (server.directory / "calls").read_text().split()]


def body(number: int) -> str:
    """A request of one to three rows that no other has."""
    return json.dumps({"data": [[number + 0.5, place] for place in range(1 + number % 3)]})


def batching(rows: int = 64, **more: str) -> dict[str, str]:
    return {"SCORESERVE_MAX_BATCH_SIZE": str(rows), **more}


@ROADS
@pytest.mark.parametrize("workers", [1, 2])
def test_of_thousands_of_requests_none_gets_the_answer_to_another(
    serve: Serve, short_road: str, workers: int
) -> None:
    env = batching(SCORESERVE_SHORT_ROAD=short_road, WORKER_COUNT=str(workers))
    with serve(COUNTING, env=env) as server:
        asked = ask_all(server, [body(number) for number in range(2500)])
        for sent, status, answer in exchanges(asked):
            rows = [[row[0], row[1] * 2] for row in sent["data"]]
            assert (status, answer) == (200, {"result": rows, "version": "1"})
        calls = calls_of(server)
        assert 3 < max(calls) <= 64
        assert len(calls) < 2500  # merging saved more than the proofs cost


@ROADS
def test_bad_requests_fail_alone(serve: Serve, short_road: str) -> None:
    def with_poison(number: int) -> str:
        return json.dumps({"data": [[float(-number if number % 50 == 49 else number), 1]]})

    with serve(COUNTING, env=batching(SCORESERVE_SHORT_ROAD=short_road)) as server:
        asked = ask_all(server, [with_poison(number) for number in range(1000)])
        failed = 0
        for sent, status, answer in exchanges(asked):
            number = sent["data"][0][0]
            if number < 0:
                failed += 1
                assert status == 500
                assert list(answer) == ["message"]
            else:
                assert (status, answer["result"]) == (200, [[number, 2]])
        assert failed == 20
        assert max(calls_of(server)) > 1


def test_what_is_nested_too_deeply_kills_no_worker(serve: Serve) -> None:
    """Anybody can send such a body."""
    script = """
import json
def init(): pass
def run(data):
    return [len(json.loads(data))]
"""
    deep = "[" * 500 + "]" * 500
    with serve(script, env=batching(SCORESERVE_BATCH_WAIT_MS="200")) as server:
        before = server.workers()
        pending = [server.start_score(text, **JSON) for text in (deep, deep, "[[1]]", deep)]
        assert [each.reply().status for each in pending] == [200] * 4
        assert server.workers() == before


RAW = """
from azureml_inference_server_http.api.aml_request import rawhttp
import json
def init(): pass
@rawhttp
def run(request):
    return [json.loads(request.get_data()), request.headers["X-Request-Id"]]
"""

WITH_HEADERS = """
import json
def init(): pass
def run(data, request_headers):
    return [json.loads(data), request_headers["X-Request-Id"]]
"""

LOOKS_AT_FLASK = """
import json
import flask
def init(): pass
def run(data):
    name = flask.request.headers["X-Request-Id"]
    return [[row, name] for row in json.loads(data)["data"]]
"""


def _whole(sent: Any, name: str) -> Any:
    return [sent, name]


def _by_rows(sent: Any, name: str) -> Any:
    return [[row, name] for row in sent["data"]]


@pytest.mark.parametrize(
    ("script", "expected"),
    [(RAW, _whole), (WITH_HEADERS, _whole), (LOOKS_AT_FLASK, _by_rows)],
    ids=["rawhttp", "request_headers", "flask.request"],
)
def test_scripts_that_see_more_than_the_body_see_their_own(
    serve: Serve, script: str, expected: Callable[[Any, str], Any]
) -> None:
    with serve(script, env=batching()) as server:
        asked = ask_all(server, [body(number) for number in range(300)])
        for sent, status, answer in exchanges(asked):
            assert (status, answer) == (200, expected(sent, f"id of {json.dumps(sent)}"))


def test_requests_wait_for_company_if_asked_to(serve: Serve) -> None:
    """Long enough that nobody's slowness matters: a full batch goes at once."""
    env = batching(3, SCORESERVE_BATCH_WAIT_MS="60000")
    with serve(COUNTING, env=env) as server:
        for number in range(0, 30, 3):
            texts = [json.dumps({"data": [[float(number + place), 1]]}) for place in range(3)]
            pending = [server.start_score(text, **JSON) for text in texts]
            for place, each in enumerate(pending):
                assert each.reply().json()["result"] == [[float(number + place), 2]]
        assert calls_of(server)[-5:] == [3] * 5


def test_a_request_without_company_is_answered_in_the_end(serve: Serve) -> None:
    with serve(COUNTING, env=batching(SCORESERVE_BATCH_WAIT_MS="50")) as server:
        assert server.score(body(3), **JSON).json()["result"] == [[3.5, 0]]


def test_without_the_setting_every_request_has_its_own_call(serve: Serve) -> None:
    with serve(COUNTING) as server:
        ask_all(server, [json.dumps({"data": [[float(number), 1]]}) for number in range(300)])
        assert calls_of(server) == [1] * 300
