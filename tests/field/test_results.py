"""What run() may return: all of it arrives, or a 500 whose log says what was wrong and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests import servers
from tests.live.conftest import Serve
from tests.servers import Server, wait_until

VALUES = """
import dataclasses, datetime, decimal
import numpy as np
import pandas as pd
from azureml.contrib.services.aml_response import AMLResponse

@dataclasses.dataclass
class Prediction:
    label: np.int64
    when: datetime.date

def classes():
    return dict(zip(np.array([0, 1, 2]), np.array([0.25, 0.5, 0.25])))

def counts():
    return {"counts": dict(zip(*np.unique([3, 3, 7], return_counts=True)))}

def missing():
    frame = pd.DataFrame({"day": pd.to_datetime(["2024-05-17", None]), "name": ["a", None],
                          "n": pd.array([1, None], "Int64")})
    return {"frame": frame, "alone": [pd.NaT, pd.NA, np.datetime64("NaT")]}

def sales():
    return pd.DataFrame({"city": ["x", "x", "y"], "kind": ["a", "b", "a"], "sold": [1, 2, 3]})

def twice():
    return pd.concat([pd.DataFrame({"id": [1], "score": [0.25]}),
                      pd.DataFrame({"score": [0.75]})], axis=1)

VALUES = {
    "classes": classes,
    "counts": counts,
    "missing": missing,
    "labels": lambda: pd.Series(["a", "a", "b"]).value_counts(),
    "labels inside": lambda: {"probabilities": pd.Series({"cat": 0.9, "dog": 0.1})},
    "rows": lambda: sales()["sold"],
    "levels": lambda: sales().groupby(["city", "kind"])["sold"].sum(),
    "groups": lambda: sales().groupby("city")[["sold"]].sum(),
    "dataclass": lambda: [Prediction(np.int64(1), datetime.date(2024, 5, 17))],
    "duplicate columns": twice,
    "duplicate labels": lambda: pd.Series([1, 2], index=["a", "a"]),
    "decimal": lambda: {"price": [decimal.Decimal("1.5")]},
    "header": lambda: AMLResponse("later", 429, {"Retry-After": 5, "X-Nothing": None}),
}

def init():
    pass

def run(data):
    return VALUES[data]()
"""


@pytest.fixture(scope="module")
def values(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.serve(VALUES, tmp_path_factory.mktemp("values")) as server:
        yield server


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("classes", {"0": 0.25, "1": 0.5, "2": 0.25}),
        ("counts", {"counts": {"3": 2, "7": 1}}),
        (
            "missing",
            {
                "frame": [
                    {"day": "2024-05-17T00:00:00", "name": "a", "n": 1},
                    {"day": None, "name": None, "n": None},
                ],
                "alone": [None, None, None],
            },
        ),
        ("labels", {"a": 2, "b": 1}),
        ("labels inside", {"probabilities": {"cat": 0.9, "dog": 0.1}}),
        ("rows", [1, 2, 3]),
        (
            "levels",
            [
                {"city": "x", "kind": "a", "sold": 1},
                {"city": "x", "kind": "b", "sold": 2},
                {"city": "y", "kind": "a", "sold": 3},
            ],
        ),
        ("groups", [{"city": "x", "sold": 3}, {"city": "y", "sold": 3}]),
        ("dataclass", [{"label": 1, "when": "2024-05-17"}]),
    ],
)
def test_all_of_it_arrives(values: Server, name: str, answer: Any) -> None:
    reply = values.score(name)
    assert (reply.status, reply.json()) == (200, answer)


@pytest.mark.parametrize(
    ("name", "logged"),
    [
        ("duplicate columns", "two columns of a DataFrame are 'score'"),
        ("duplicate labels", "two labels of a Series are 'a'"),
        ("decimal", "Object of type Decimal is not JSON serializable: result['price'][0]"),
    ],
)
def test_what_would_be_lost_is_a_500_that_says_why(values: Server, name: str, logged: str) -> None:
    reply = values.score(name)
    assert (reply.status, reply.headers["x-ms-run-function-failed"]) == (500, "False")
    assert "Check the logs" in reply.message
    wait_until(lambda: logged in values.output, "the reason is logged")


def test_a_number_is_sent_as_a_header(values: Server) -> None:
    reply = values.score("header")
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (429, b"later", "5")
    assert "x-nothing" not in reply.headers


JSON_REPLACED = """
import json
import orjson

json.dumps, json.loads = orjson.dumps, orjson.loads

class Celsius:
    pass

def init():
    print("init is done")

def run(data):
    if data == "unknown":
        json.dumps = lambda value: '"by the script"'
        return [Celsius()]
    return [data, float("nan"), {1: json.dumps([data]).decode()}]
"""


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_script_may_put_its_own_json_in_the_stdlibs_place(serve: Serve, log_format: str) -> None:
    with serve(JSON_REPLACED, env={"SCORESERVE_LOG_FORMAT": log_format}) as server:
        reply = server.score("a")
        assert (reply.status, reply.body) == (200, b'["a",NaN,{"1":"[\\"a\\"]"}]')
        assert server.get("/score?a=1").body.startswith(b'["{\\"a\\": 1}"')
        assert server.score("unknown").body == b'"by the script"'
        wait_until(lambda: "init is done" in server.output, "the line is logged")
    if log_format == "json":
        lines = [line for line in server.output.splitlines() if "init is done" in line]
        assert [json.loads(line)["message"] for line in lines] == ["init is done"]


LITTLE_MEMORY = """
import os, resource

def init():
    pages = int(open("/proc/self/statm").read().split()[0])
    limit = pages * resource.getpagesize() + 64_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

def run(data):
    if data == "numbers":
        return [0.123456789] * 4_000_000
    if data == "text":
        return "x" * 50_000_000
    if data == "pid":
        return os.getpid()
    return len(data)
"""


def test_memory_that_is_refused_costs_one_request(serve: Serve) -> None:
    """Whether it is for the body as it comes, for its text, or for the result's."""
    with serve(LITTLE_MEMORY) as server:
        worker = server.score("pid").json()
        for body in ("x" * 90_000_000, "x" * 45_000_000, "numbers", "text"):
            assert "Check the logs" in server.score(body).message
            assert server.score("pid").json() == worker
        assert server.score("x" * 1_000_000).json() == 1_000_000
        assert "Traceback" in server.output
