"""`:predict` of V1: rows or columns in, predictions out."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from tests.worker.protocols.conftest import with_schema
from tests.worker.protocols.requests import Served

PREDICT = "/v1/models/model:predict"


def predictions(served: Served, members: Any) -> Any:
    outcome = served.ask(PREDICT, json.dumps(members).encode())
    assert outcome.status == 200, outcome.body
    (name,) = answer = json.loads(outcome.body)
    assert name == "predictions"
    return answer[name]


@pytest.mark.parametrize("member", ["instances", "inputs"])
def test_an_array(arrays: Served, member: str) -> None:
    assert predictions(arrays, {member: [[1, 2, 3, 4]], "signature_name": "any"}) == [10]


def test_columns_by_name(arrays: Served) -> None:
    assert predictions(arrays, {"inputs": {"data": [[1, 2, 3, 4]]}}) == [10]


def test_rows_with_a_value_for_each_parameter() -> None:
    served = Served(with_schema(lambda a, b: a - b, a=np.zeros(1), b=np.zeros(1)))
    assert predictions(served, {"instances": [{"a": 3, "b": 1}, {"a": 7, "b": 2}]}) == [2, 5]


@pytest.mark.parametrize("rows", [[{"name": "a", "size": 1.5}], [[1.5, "a"]]])
def test_a_frame_of_records_or_rows(frames: Served, rows: Any) -> None:
    assert predictions(frames, {"instances": rows}) == ["a:1.5"]


def test_a_text_has_the_rows_in_its_member(texts: Served) -> None:
    assert json.loads(predictions(texts, {"instances": [[1, 2.5]]})) == {"data": [[1, 2.5]]}
    named = {"a": [1], "b": [2]}
    assert json.loads(predictions(texts, {"inputs": named})) == named


def test_predictions_of_the_scripts_own() -> None:
    served = Served(lambda raw_data: {"predictions": [1], "model": "m"})
    outcome = served.ask(PREDICT, b'{"instances": []}')
    assert json.loads(outcome.body) == {"predictions": [1], "model": "m"}


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({}, "one of the members"),
        ({"instances": [], "inputs": []}, "one of the members"),
        ({"instances": {"a": 1}}, "must be a list"),
        ({"instances": [[1, 2, 3]]}, "[1, 3], and run() takes [-1, 4]"),
        ({"instances": [[1, 2, 3, "x"]]}, "could not convert"),
        ({"instances": [[1], [1, 2]]}, "inhomogeneous"),
        ({"inputs": {"data": [[1, 2, 3, 4]], "more": []}}, "There is no input 'more'"),
        ([], "must be a JSON object"),
    ],
)
def test_what_is_wrong_is_told(arrays: Served, members: Any, told: str) -> None:
    status, answer = arrays.refusal(PREDICT, json.dumps(members).encode())
    assert status == 400
    assert list(answer) == ["error"]
    assert told in answer["error"]
