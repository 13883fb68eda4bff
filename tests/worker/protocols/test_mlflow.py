"""MLflow's /invocations, with the bodies that its documentation shows."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.worker.protocols.conftest import with_schema
from tests.worker.protocols.requests import Served

JSON = [("content-type", "application/json; charset=utf-8")]
CSV = [("content-type", "text/csv")]
SPLIT = {"columns": ["size", "name"], "data": [[1.5, "a"], [2, "b"]], "index": [0, 1]}
RECORDS = [{"name": "a", "size": 1.5}, {"name": "b", "size": 2}]


def predictions(served: Served, body: bytes, headers: Any = JSON) -> Any:
    outcome = served.ask("/invocations", body, headers)
    assert outcome.status == 200, outcome.body
    return json.loads(outcome.body)["predictions"]


@pytest.mark.parametrize(
    "members",
    [
        {"dataframe_split": SPLIT},
        {"dataframe_records": RECORDS},
        {"instances": RECORDS},
        {"inputs": {"size": [1.5, 2], "name": ["a", "b"]}},
    ],
)
def test_a_frame(frames: Served, members: Any) -> None:
    assert predictions(frames, json.dumps(members).encode()) == ["a:1.5", "b:2.0"]


def test_a_frame_of_csv(frames: Served) -> None:
    assert predictions(frames, b"name,size\na,1.5\n007,2\n", CSV) == ["a:1.5", "007:2.0"]


@pytest.mark.parametrize(
    "members",
    [
        {"instances": [[1, 2, 3, 4]]},
        {"inputs": [[1, 2, 3, 4]]},
        {"dataframe_split": {"columns": list("abcd"), "data": [[1, 2, 3, 4]]}},
        {"dataframe_split": {"data": [[1, 2, 3, 4]]}},
        {"dataframe_records": [{"a": 1, "b": 2, "c": 3, "d": 4}]},
    ],
)
def test_an_array(arrays: Served, members: Any) -> None:
    assert predictions(arrays, json.dumps(members).encode()) == [10]


def test_an_array_of_csv(arrays: Served) -> None:
    assert predictions(arrays, b"a,b,c,d\n1,2,3,4\n", CSV) == [10]


def test_params_are_for_a_script_that_takes_them() -> None:
    def run(data: Any, params: Any = None) -> Any:
        return data * (params or {}).get("factor", 1)

    served = Served(with_schema(run, data=np.zeros(1)))
    assert predictions(served, b'{"inputs": [2]}') == [2]
    assert predictions(served, b'{"inputs": [2], "params": {"factor": 3}}') == [6]


def test_params_are_left_out_else(arrays: Served) -> None:
    assert predictions(arrays, b'{"inputs": [[1,2,3,4]], "params": {"factor": 3}}') == [10]


def test_a_text(texts: Served) -> None:
    body = json.dumps({"dataframe_split": SPLIT, "params": {"a": 1}}).encode()
    rows = [{"size": 1.5, "name": "a"}, {"size": 2, "name": "b"}]
    assert json.loads(predictions(texts, body)) == {"data": rows, "params": {"a": 1}}
    assert predictions(texts, "ä,b\n1,2".encode(), CSV) == "ä,b\n1,2"


@pytest.mark.parametrize(
    ("body", "headers", "status", "told"),
    [
        (b"{}", JSON, 400, "one of the members dataframe_split"),
        (b'{"inputs": [], "instances": []}', JSON, 400, "one of the members"),
        (b'{"dataframe_split": []}', JSON, 400, "list of rows"),
        (b'{"dataframe_split": {"data": [1]}}', JSON, 400, "list of rows"),
        (b'{"dataframe_split": {"data": [[1]], "columns": []}}', JSON, 400, "as many values"),
        (b'{"dataframe_records": [[1]]}', JSON, 400, "list of objects"),
        (b'{"inputs": [1], "params": []}', JSON, 400, "params must be an object"),
        (b"{", JSON, 400, "no JSON"),
        (b"", CSV, 400, "no CSV"),
        (b'a,b\n"', CSV, 400, "no CSV"),
        (b"\xff", CSV, 400, "no text"),
        (b"{}", [("content-type", "text/plain")], 415, "application/json or text/csv"),
        (b"{}", [], 415, "application/json or text/csv"),
    ],
)
def test_what_is_wrong_is_told(
    frames: Served, body: bytes, headers: Any, status: int, told: str
) -> None:
    found, answer = frames.refusal("/invocations", body, headers)
    assert (found, answer["error_code"]) == (status, "BAD_REQUEST")
    assert told in answer["message"]


def test_a_script_that_fails() -> None:
    status, answer = Served(lambda raw_data: 1 / 0).refusal("/invocations", b'{"inputs": 1}', JSON)
    assert (status, answer["error_code"]) == (500, "INTERNAL_ERROR")
