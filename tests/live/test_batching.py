"""Merging by rows on a real server: many clients at once, everybody gets their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from tests.live.conftest import Serve
from tests.live.many_clients import ALL_MAY_WAIT, Answer, ask_all
from tests.servers import Server, wait_until

JSON = {"content-type": "application/json"}

ROADS = pytest.mark.parametrize("fast_path", ["true", "false"], ids=["short", "long"])

# Goes by rows, and writes down how many it got.
COUNTING = """
import json, os, pathlib
calls = open(pathlib.Path(__file__).parent / "calls", "a", buffering=1)
def init(): pass
def run(data):
    rows = json.loads(data)["data"]
    print(len(rows), file=calls)
    if any(row[0] < 0 for row in rows):
        raise ValueError("poison")
    return {"result": [[row[0], row[1] * 2] for row in rows], "version": "1"}
"""


def calls_of(server: Server) -> list[int]:
    """With how many rows run() was called, each time."""
    return [int(line) for line in (server.directory / "calls").read_text().split()]


def body(number: int) -> str:
    """A request of one to three rows that no other has."""
    return json.dumps({"data": [[number + 0.5, place] for place in range(1 + number % 3)]})


def one(number: float) -> str:
    """A request of one row."""
    return json.dumps({"data": [[float(number), 1]]})


def batching(jobs: int = 64, **more: str) -> dict[str, str]:
    """The settings for so many jobs of one row in a call."""
    way = {"SCORESERVE_BATCHING": "rows", "SCORESERVE_MAX_BATCH_SIZE": str(jobs)}
    return {**way, **ALL_MAY_WAIT, **more}


@ROADS
def test_of_thousands_of_requests_none_gets_the_answer_to_another(
    serve: Serve, fast_path: str
) -> None:
    """5,000 over each path, to two workers."""
    env = batching(SCORESERVE_FAST_PATH=fast_path, WORKER_COUNT="2")
    with serve(COUNTING, env=env) as server:
        answers = ask_all(server, [body(number) for number in range(5000)])
        for text, answer in answers.items():
            rows = [[row[0], row[1] * 2] for row in json.loads(text)["data"]]
            assert (answer.status, answer.body) == (200, {"result": rows, "version": "1"})
        calls = calls_of(server)
        assert 3 < max(calls) <= 64
        assert len(calls) < 5000


@ROADS
def test_bad_requests_fail_alone(serve: Serve, fast_path: str) -> None:
    numbers = [-number if number % 50 == 49 else number for number in range(1, 1001)]
    with serve(COUNTING, env=batching(SCORESERVE_FAST_PATH=fast_path)) as server:
        answers = ask_all(server, [one(number) for number in numbers])
        for number in numbers:
            answer = answers[one(number)]
            if number < 0:
                assert answer.status == 500
                assert list(answer.body) == ["message"]
            else:
                assert (answer.status, answer.body["result"]) == (200, [[number, 2]])
        assert max(calls_of(server)) > 1


class TestAudits:
    """Calls that nobody waits for, made to compare their results."""

    def test_do_not_hold_up_a_request_until_it_is_taken_for_a_hang(self, serve: Serve) -> None:
        """Each call is in time, but the next request waits for one more."""
        script = """
import json, time
def init(): pass
def run(data):
    rows = json.loads(data)["data"]
    time.sleep(0.9)
    return [row[0] * 2 for row in rows]
"""
        env = batching(4, SCORING_TIMEOUT_MS="2000", SCORESERVE_BATCH_WAIT_MS="300")
        with serve(script, env=env) as server:
            workers = server.workers()
            texts = [one(number + 0.25) for number in range(4)]
            pending = [server.start_score(text, **JSON) for text in texts]
            assert [each.reply().status for each in pending] == [200] * 4
            assert server.score(one(7), **JSON).status == 200
            assert server.workers() == workers

    def test_that_find_a_difference_end_merging(self, serve: Serve) -> None:
        script = COUNTING.replace("row[1] * 2", "len(rows)")
        with serve(script, env=batching(4, SCORESERVE_BATCH_WAIT_MS="300")) as server:
            ask_all(server, [one(number) for number in range(4)])
            wait_until(lambda: "Batching is off" in server.output, "it says so")
            answers = ask_all(server, [one(number) for number in range(10, 40)])
            assert all(answer.body["result"][0][1] == 1 for answer in answers.values())
            batching_now = server.get("/health/ready").json()["batching"]
            assert (batching_now["off"], batching_now["merged_calls"]) == ("rows_differ", 1)


class TestDeaths:
    """Of a process in a merged call."""

    def test_calls_that_end_the_process_are_not_made_for_ever(self, serve: Serve) -> None:
        """As of a model that was compiled for one row a call."""
        script = """
import json, os
def init(): pass
def run(data):
    rows = json.loads(data)["data"]
    if len(rows) > 1:
        os._exit(7)
    return [row[0] * 2 for row in rows]
"""
        with serve(script, env=batching(4, SCORESERVE_BATCH_WAIT_MS="60000")) as server:
            for start in range(0, 40, 4):
                answers = ask_all(server, [one(start + place) for place in range(4)])
                assert {answer.status for answer in answers.values()} == {200}
            assert server.output.count("exited with code 7") <= 5
            assert server.output.count("Batching is off for new workers") == 1


class TestOneFullBatch:
    """Requests that come together because they wait for company, which is not for long."""

    ENV = batching(
        6,
        SCORESERVE_BATCH_WAIT_MS="50000",
        SCORING_TIMEOUT_MS="1000",
        SCORESERVE_QUEUE_TIMEOUT_MS="60000",  # else as short, and a new worker may take longer
    )
    TROUBLE = """
import json, os, time
def init(): pass
def run(data):
    rows = json.loads(data)["data"]
    if any(row[0] == -1 for row in rows):
        os._exit(7)
    if any(row[0] == -2 for row in rows):
        time.sleep(30)
    time.sleep(0.01)
    return [row[0] * 2 for row in rows]
"""

    @pytest.fixture
    def server(self, serve: Serve) -> Iterator[Server]:
        with serve(self.TROUBLE, env=self.ENV) as server:
            yield server

    @staticmethod
    def ask(server: Server, rows: Sequence[float]) -> list[Answer]:
        texts = [one(row) for row in rows]
        answers = ask_all(server, texts)
        return [answers[text] for text in texts]

    @pytest.mark.parametrize("place", [0, 3, 5])
    def test_only_the_request_that_ends_the_process_is_answered_502(
        self, server: Server, place: int
    ) -> None:
        rows = [float(number) for number in range(100, 106)]
        rows[place] = -1.0
        answers = self.ask(server, rows)
        assert [answer.status for answer in answers] == [502 if row < 0 else 200 for row in rows]
        assert [answer.body for answer in answers if answer.status == 200] == [
            [row * 2] for row in rows if row > 0
        ]
        assert "exited with code 7" in answers[place].body["message"]

    def test_the_timeout_of_a_merged_call_is_that_of_all_its_requests(self, server: Server) -> None:
        answers = self.ask(server, [1.0, 2.0, -2.0, 4.0, 5.0, 6.0])
        assert {answer.status for answer in answers} == {500}
        assert {str(answer.body) for answer in answers} == {
            "{'message': 'Scoring timeout after 1000 ms'}"
        }
        assert [answer.status for answer in self.ask(server, [30.0 + n for n in range(6)])] == [
            200
        ] * 6

    def test_the_time_of_run_is_that_of_the_merged_call(self, server: Server) -> None:
        times = {answer.milliseconds() for answer in self.ask(server, [40.0 + n for n in range(6)])}
        assert len(times) == 1
        assert min(times) >= 10


def test_requests_wait_for_company_if_asked_to(serve: Serve) -> None:
    """Long enough that nobody's slowness matters: a full batch goes at once."""
    with serve(COUNTING, env=batching(3, SCORESERVE_BATCH_WAIT_MS="60000")) as server:
        for number in range(0, 30, 3):
            answers = ask_all(server, [one(number + place) for place in range(3)])
            for place in range(3):
                assert answers[one(number + place)].body["result"] == [[number + place, 2]]
        assert calls_of(server).count(3) == 10


def test_a_request_without_company_is_answered_in_the_end(serve: Serve) -> None:
    with serve(COUNTING, env=batching(SCORESERVE_BATCH_WAIT_MS="50")) as server:
        assert server.score(body(3), **JSON).json()["result"] == [[3.5, 0]]


def test_a_client_that_leaves_takes_its_rows_along(serve: Serve) -> None:
    """Out of batches not yet formed."""
    script = COUNTING.replace(
        "def init(): pass", "import gates\nseen = open('seen', 'a', buffering=1)\ndef init(): pass"
    ).replace(
        "    print(len(rows), file=calls)",
        "    print(*(row[0] for row in rows), file=seen)\n"
        "    if rows[0][0] == 1000:\n"
        "        gates.reach('run')\n"
        "        gates.wait('end')\n"
        "    print(len(rows), file=calls)",
    )
    with serve(script, env=batching()) as server:
        first = server.start_score(one(1000), **JSON)
        server.wait_reached("run")
        leaving = server.connect()
        leaving.request("POST", "/score", one(2000), JSON)
        staying = [server.start_score(one(3000 + number), **JSON) for number in range(3)]
        assert server.get("/").status == 200  # by now the front has read what came before
        leaving.close()
        assert server.get("/").status == 200
        server.open("end")
        assert [pending.reply().status for pending in [first, *staying]] == [200] * 4
        seen = (server.directory / "seen").read_text().split()
        assert "3002.0" in seen
        assert "2000.0" not in seen


def test_what_is_nested_too_deeply_kills_no_worker(serve: Serve) -> None:
    """Anybody can send such a body."""
    script = """
import json
def init(): pass
def run(data):
    return [len(json.loads(data))]
"""
    deep = ["[" * depth + "]" * depth for depth in (500, 900, 100_000)]
    with serve(script, env=batching(4, SCORESERVE_BATCH_WAIT_MS="60000")) as server:
        before = server.workers()
        pending = [server.start_score(text, **JSON) for text in [*deep, "[[1]]"]]
        assert [each.reply().status for each in pending] == [200, 200, 500, 200]
        assert server.workers() == before


def test_a_decorated_script_is_given_arguments_merged(serve: Serve) -> None:
    script = """
import numpy as np
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
calls = open("calls", "a", buffering=1)
def init(): pass
@input_schema("data", NumpyParameterType(np.array([[1.0, 2.0], [3.0, 5.0]])))
def run(data):
    print(len(data), file=calls)
    data *= 2
    return data.sum(axis=1)
"""
    deep = "[" * 700 + "]" * 700
    with serve(script, env=batching()) as server:
        before = server.workers()
        texts = [json.dumps({"data": [[float(n), 1.0]] * (1 + n % 2)}) for n in range(1000)]
        answers = ask_all(server, [*texts, f'{{"data": {deep}}}', f'{{"data": [{deep}]}}'])
        for number, text in enumerate(texts):
            assert answers[text].body == [2.0 * number + 2] * (1 + number % 2)
        assert max(calls_of(server)) > 3
        assert server.workers() == before


def test_a_sample_that_is_not_scored_by_rows_switches_it_off(serve: Serve) -> None:
    script = COUNTING.replace(
        "[[row[0], row[1] * 2] for row in rows]", "[row[0] - rows[0][0] for row in rows]"
    )
    env = batching(AZUREML_MODEL_DIR="model")
    files = {"model/sample_request.json": json.dumps({"data": [[1.0, 1], [2.0, 1], [4.0, 1]]})}
    with serve(script, env=env, files=files) as server:
        assert "Batching is off" in server.output
        before = len(calls_of(server))
        ask_all(server, [one(number) for number in range(300)])
        assert calls_of(server)[before:] == [1] * 300


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

ASYNC = """
import asyncio, contextvars, json
def init(): pass
async def run(data):
    await asyncio.sleep(0)
    return [json.loads(data), data]
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
    ("script", "expected", "reason"),
    [
        (RAW, _whole, "run() is @rawhttp"),
        (WITH_HEADERS, _whole, "takes request_headers"),
        (ASYNC, _whole, "async"),
        (LOOKS_AT_FLASK, _by_rows, "imports flask"),
    ],
    ids=["rawhttp", "request_headers", "async", "flask.request"],
)
def test_scripts_that_see_more_than_the_body_see_their_own(
    serve: Serve, script: str, expected: Callable[[Any, str], Any], reason: str
) -> None:
    with serve(script, env=batching()) as server:
        wait_until(lambda: "Batching is off" in server.output, "it says so")
        (line,) = [line for line in server.output.splitlines() if "Batching is off" in line]
        assert reason in line
        for text, answer in ask_all(server, [body(number) for number in range(300)]).items():
            assert (answer.status, answer.body) == (200, expected(json.loads(text), text))


def test_without_the_setting_every_request_has_its_own_call(serve: Serve) -> None:
    with serve(COUNTING, env=ALL_MAY_WAIT) as server:
        ask_all(server, [one(number) for number in range(300)])
        assert calls_of(server) == [1] * 300
