"""Calls of run() that meet in a model, on a real server: everybody gets their own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.live.conftest import Serve
from tests.live.many_clients import ALL_MAY_WAIT, ask_all
from tests.servers import Server, wait_until

MEETING = {"SCORESERVE_MAX_BATCH_SIZE": "64", **ALL_MAY_WAIT}

# Weights that are exact in floats: the answer says which rows the model was given.
MODEL = """
import json, time
import numpy as np
from sklearn.linear_model import LinearRegression

def init():
    global model
    model = LinearRegression().fit(np.eye(2), [0, 0])
    model.coef_, model.intercept_ = np.array([2.0, 0.5]), 0.25
"""

# Whoever merges the bodies of this one gets it wrong: it looks at all rows of its request.
AS_IT_LIKES = (
    MODEL
    + """
def run(data):
    began = time.perf_counter()
    body = json.loads(data)
    rows = np.array(body["data"])
    first = rows[0].copy()
    result = model.predict(rows - first).tolist()
    return {"id": body["id"], "first": first.tolist(), "rows": len(rows), "result": result,
            "seconds": time.perf_counter() - began}
"""
)
RAW = (
    MODEL
    + """
from azureml.contrib.services.aml_request import rawhttp
from azureml.contrib.services.aml_response import AMLResponse
@rawhttp
def run(request):
    body = request.get_json()
    value = model.predict([body["data"][0]])[0]
    return AMLResponse({"id": body["id"], "value": value}, 200 + body["id"] % 2, json_str=True)
"""
)
WITH_HEADERS = (
    MODEL
    + """
def run(data, request_headers):
    body = json.loads(data)
    value = model.predict([body["data"][0]])[0]
    return {"id": body["id"], "value": value, "said": request_headers["X-Request-Id"]}
"""
)
HALF_WRITTEN = (
    MODEL
    + """
def run(data):
    global body
    body = json.loads(data)
    value = model.predict([body["data"][0]])[0]
    return {"id": body["id"], "value": value}
"""
)


def body(number: int, *more: list[float]) -> str:
    """A request that no other is like, of a row and more."""
    return json.dumps({"id": number, "data": [[float(number), 1.0], *more]})


def value(number: int) -> float:
    """What the model says to its first row."""
    return 2.0 * number + 0.75


def batching_of(server: Server) -> dict[str, Any]:
    """What readiness says of batching."""
    details: dict[str, Any] = server.get("/health/ready").json()["batching"]
    return details


def merged(server: Server) -> int:
    """How many requests met."""
    requests: int = batching_of(server)["merged_requests"]
    return requests


@pytest.mark.parametrize("fast_path", ["true", "false"], ids=["fast", "application"])
def test_each_request_has_a_run_of_its_own(serve: Serve, fast_path: str) -> None:
    env = {**MEETING, "SCORESERVE_FAST_PATH": fast_path, "WORKER_COUNT": "2"}
    with serve(AS_IT_LIKES, env=env) as server:
        bodies = [
            body(number, *[[number + 4.0 * place, 3.0] for place in range(number % 3)])
            for number in range(3000)
        ]
        for text, answer in ask_all(server, bodies).items():
            asked = json.loads(text)
            first, *others = asked["data"]
            result = [0.25, *(0.25 + 2 * (a - first[0]) + 0.5 * (b - first[1]) for a, b in others)]
            del answer.body["seconds"]
            wanted = {"id": asked["id"], "first": first, "rows": 1 + len(others), "result": result}
            assert (answer.status, answer.body) == (200, wanted)
        assert merged(server) > 100
        (method,) = batching_of(server)["methods"]
        assert (method["model"], method["method"]) == ("LinearRegression", "predict")


@pytest.mark.parametrize("script", [RAW, WITH_HEADERS], ids=["rawhttp", "request_headers"])
def test_scripts_that_see_more_than_the_body_meet_too(serve: Serve, script: str) -> None:
    with serve(script, env=MEETING) as server:
        for text, answer in ask_all(server, [body(number) for number in range(1000)]).items():
            number = json.loads(text)["id"]
            assert (answer.body["id"], answer.body["value"]) == (number, value(number))
            assert answer.status == (200 + number % 2 if script is RAW else 200)
            if script is WITH_HEADERS:
                assert answer.body["said"] == text[:100]
        assert merged(server) > 100


def test_what_is_wrong_with_a_request_is_said_to_who_sent_it(serve: Serve) -> None:
    """scikit-learn refuses infinity, for all the rows of its call."""
    script = AS_IT_LIKES.replace("    result = model", "    try: result = model").replace(
        '    return {"id"',
        """    except ValueError as error: return {"id": body["id"], "error": str(error)}
    return {"id\"""",
    )
    with serve(script, env=MEETING) as server:
        infinite = [[1.0, 2.0], [1e999, 0.0]]
        bodies = [
            body(number, *(infinite if number % 7 == 0 else [])).replace("Infinity", "1e999")
            for number in range(700)
        ]
        for text, answer in ask_all(server, bodies).items():
            number = json.loads(text)["id"]
            assert (answer.status, answer.body["id"]) == (200, number)
            if number % 7 == 0:
                assert "infinity" in answer.body["error"]
            else:
                assert answer.body["first"] == [number, 1.0]
        assert merged(server) > 50


def test_a_script_that_would_see_half_of_another_request_stays_out(serve: Serve) -> None:
    with serve(HALF_WRITTEN, env=MEETING) as server:
        wait_until(lambda: "Batching is off" in server.output, "it says so")
        line = HALF_WRITTEN.splitlines().index("    body = json.loads(data)") + 1
        assert f"line {line}: body = json.loads(data)" in str(batching_of(server)["off"])
        for text, answer in ask_all(server, [body(number) for number in range(300)]).items():
            number = json.loads(text)["id"]
            assert answer.body == {"id": number, "value": value(number)}
        assert merged(server) == 0


def test_the_author_may_know_better(serve: Serve) -> None:
    """The script writes to a global, which nobody reads after another wrote to it."""
    script = HALF_WRITTEN.replace("global body", "global seen").replace(
        "    value =", "    seen = body['id']\n    value ="
    )
    script = script.replace("def run", "from scoreserve import stateless\n@stateless\ndef run")
    with serve(script, env=MEETING) as server:
        for text, answer in ask_all(server, [body(number) for number in range(600)]).items():
            assert answer.body == {
                "id": json.loads(text)["id"],
                "value": value(json.loads(text)["id"]),
            }
        assert merged(server) > 50


def test_batching_may_be_off(serve: Serve) -> None:
    with serve(AS_IT_LIKES, env={**MEETING, "SCORESERVE_BATCHING": "off"}) as server:
        assert batching_of(server)["off"] == "SCORESERVE_BATCHING is off"
        ask_all(server, [body(number) for number in range(100)])
        assert merged(server) == 0
