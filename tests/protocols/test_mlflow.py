"""MLflow's documented bodies to MLflow's own server and to ours, around the same model."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.protocols.peers import Answer, peer, request
from tests.servers import serve

pytestmark = pytest.mark.protocols

SCRIPT = """
import pandas as pd
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

def init():
    pass

@input_schema("data", PandasParameterType(pd.DataFrame({"a": [1.0], "b": [1.0]})))
def run(data):
    return (2 * data["a"] + 0.5 * data["b"] + 0.25).tolist()
"""
JSON, CSV = "application/json", "text/csv"
SPLIT = {"columns": ["a", "b"], "data": [[1.0, 2.0], [3.0, 4.0]], "index": [0, 1]}
RECORDS = [{"a": 1.0, "b": 2.0}, {"b": 4.0, "a": 3.0}]

ANSWERED = {
    "split": (JSON, {"dataframe_split": SPLIT}),
    "split without labels": (JSON, {"dataframe_split": {**SPLIT, "index": None}}),
    "columns in another order": (
        JSON,
        {"dataframe_split": {"columns": ["b", "a"], "data": [[2.0, 1.0]]}},
    ),
    "records": (JSON, {"dataframe_records": RECORDS}),
    "instances": (JSON, {"instances": RECORDS}),
    "inputs": (JSON, {"inputs": {"a": [1.0, 3.0], "b": [2.0, 4.0]}}),
    "integers": (JSON, {"dataframe_records": [{"a": 1, "b": 2}]}),
    "params": (JSON, {"dataframe_split": SPLIT, "params": {"any": 1}}),
    "with a charset": (f"{JSON}; charset=utf-8", {"dataframe_split": SPLIT}),
    "csv": (CSV, "a,b\n1.0,2.0\n3.0,4.0\n"),
}
REFUSED = {
    "no kind": (JSON, {"data": [[1.0, 2.0]]}),
    "two kinds": (JSON, {"instances": RECORDS, "dataframe_records": RECORDS}),
    "a column that is not there": (JSON, {"dataframe_records": [{"a": 1.0}]}),
    "a text for a number": (JSON, {"dataframe_records": [{"a": "x", "b": 1.0}]}),
    "no JSON": (JSON, "{"),
    "a list": (JSON, [1]),
    "another type": ("text/plain", "a"),
}
# What MLflow answers with another status, and why we do not.
DIFFERENT = {
    "a column that is more": (
        (JSON, {"dataframe_records": [{"a": 1.0, "b": 2.0, "c": 3.0}]}),
        (200, 400),  # it drops what the signature lacks; @input_schema with enforce_shape refuses
    ),
}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Where MLflow's server and ours listen."""
    directory = tmp_path_factory.mktemp("mlflow")
    env = {"SCORESERVE_PROTOCOLS": "mlflow"}
    with (
        peer("clients", "mlflow_server", directory, "/ping") as theirs,
        serve(SCRIPT, directory, env=env) as server,
    ):
        yield theirs, f"http://127.0.0.1:{server.port}"


def invoke(address: str, kind: str, body: Any) -> Answer:
    data = body if isinstance(body, str) else json.dumps(body)
    return request(f"{address}/invocations", data.encode(), {"Content-Type": kind})


@pytest.mark.parametrize("name", ANSWERED)
def test_what_mlflow_answers_is_answered_the_same(addresses: tuple[str, str], name: str) -> None:
    theirs, ours = (invoke(address, *ANSWERED[name]) for address in addresses)
    assert theirs.status == 200, theirs
    assert ours.status == 200, ours
    assert ours.json() == theirs.json()


@pytest.mark.parametrize("name", REFUSED)
def test_what_mlflow_refuses_is_refused_the_same(addresses: tuple[str, str], name: str) -> None:
    theirs, ours = (invoke(address, *REFUSED[name]) for address in addresses)
    assert ours.status == theirs.status, (theirs, ours)
    assert list(ours.json()) == ["error_code", "message"]  # MLflow shows a stack trace too


@pytest.mark.parametrize("name", DIFFERENT)
def test_where_we_differ(addresses: tuple[str, str], name: str) -> None:
    body, statuses = DIFFERENT[name]
    assert tuple(invoke(address, *body).status for address in addresses) == statuses


@pytest.mark.parametrize("path", ["/ping", "/health", "/version"])
def test_reads(addresses: tuple[str, str], path: str) -> None:
    for address in addresses:
        assert request(address + path).status == 200
