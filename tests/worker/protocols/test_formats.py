"""Bodies on /score that are no JSON: by Content-Type, and by Accept."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import flask
import numpy as np
import pandas as pd
import pytest

from scoreserve import batched
from scoreserve.wire import Outcome
from tests.worker.protocols.conftest import with_schema
from tests.worker.protocols.requests import Served

ROWS = np.arange(8, dtype=np.float32).reshape(2, 4)
JSON = ("content-type", "application/json")
RESULT = SimpleNamespace()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def score(served: Served, body: bytes, kind: str, accept: str = "") -> Outcome:
    headers = [("content-type", kind), *([("accept", accept)] if accept else [])]
    return served.ask("/score", body, headers)


def accepting(result: Callable[[], Any], accept: str) -> Outcome:
    """The answer of a script with this result to a client that accepts so much."""
    RESULT.make = result  # inference-schema would take what is in a closure for its own
    served = Served(with_schema(lambda data: RESULT.make(), data=[1]))
    return served.ask("/score", b'{"data": [1]}', [JSON, ("accept", accept)])


def type_of(outcome: Outcome) -> str:
    (line,) = [line for line in outcome.head.splitlines() if line.startswith(b"content-type: ")]
    return line.removeprefix(b"content-type: ").decode()


class TestBodies:
    @pytest.mark.parametrize("kind", ["application/x-npy", "application/npy", "Application/X-NPY"])
    def test_npy(self, arrays: Served, kind: str) -> None:
        assert score(arrays, npy(ROWS), kind).body == b"[6.0,22.0]"

    def test_npy_by_columns_and_of_the_other_byte_order(self, arrays: Served) -> None:
        for array in (np.asfortranarray(ROWS), ROWS.astype(">f4")):
            assert score(arrays, npy(array), "application/x-npy").body == b"[6.0,22.0]"

    def test_npz_by_name(self) -> None:
        served = Served(with_schema(lambda a, b: a - b, a=np.zeros(1), b=np.zeros(1)))
        body = npz(b=np.array([1.0]), a=np.array([3.0]))
        assert score(served, body, "application/x-npz").body == b"[2.0]"

    def test_csv(self, frames: Served) -> None:
        assert score(frames, b"size,name\n1.5,007\n", "text/csv").body == b'["007:1.5"]'

    def test_msgpack_is_as_json(self, arrays: Served) -> None:
        msgpack = pytest.importorskip("msgpack")
        body = msgpack.packb({"data": ROWS.tolist(), "more": 1})
        assert score(arrays, body, "application/msgpack").body == b"[6.0,22.0]"

    def test_arrow(self, arrays: Served, frames: Served) -> None:
        pyarrow = pytest.importorskip("pyarrow")
        lists = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(ROWS.ravel()), 4)
        columns = {name: ROWS[:, place] for place, name in enumerate("abcd")}
        for table in (pyarrow.table({"x": lists}), pyarrow.table(columns)):
            assert score(arrays, stream(table), ARROW).body == b"[6.0,22.0]"
        table = pyarrow.table({"name": ["a"], "size": [1.5]})
        assert score(frames, stream(table), ARROW).body == b'["a:1.5"]'

    def test_json_is_read_as_ever(self, arrays: Served) -> None:
        body = json.dumps({"data": ROWS.tolist()}).encode()
        assert score(arrays, body, "application/json").body == b"[6.0,22.0]"
        assert score(arrays, body, "text/plain").status == 415

    def test_a_plain_run_gets_the_text(self, texts: Served) -> None:
        outcome = score(texts, b"a,b\n1,2", "text/csv", "text/csv")
        assert (outcome.body, type_of(outcome)) == (b'"a,b\\n1,2"', "application/json")

    def test_a_batched_run_gets_arrays(self) -> None:
        @batched
        def run(inputs: Any) -> Any:
            return [type(each).__name__ for each in inputs]

        served = Served(run)
        call = served.call("/score", npy(ROWS), [("content-type", "application/x-npy")])
        assert np.array_equal(call.arguments["inputs"], ROWS)
        call = served.call("/score", b"a\n1", [("content-type", "text/csv")])
        assert call.arguments["inputs"] == "a\n1"

    @pytest.mark.parametrize(
        ("body", "kind", "told"),
        [
            (b"", "application/x-npy", "no array in npy form"),
            (npy(ROWS)[:-1], "application/x-npy", "another number of bytes"),
            (npy(ROWS) + b"0", "application/x-npy", "another number of bytes"),
            (npy(np.array([{}], object)), "application/x-npy", "pickled objects"),
            (npy(ROWS[:, :3]), "application/x-npy", "run() takes [-1, 4]"),
            (b"PK", "application/x-npz", "no npz file"),
            (npz(data=ROWS)[:-9], "application/x-npz", "no npz file"),
            (npz(a=ROWS, b=ROWS), "application/x-npz", "There is no input"),
            (npz(), "application/x-npz", "npz file"),
            (b"\xff", "text/csv", "no text"),
        ],
    )
    def test_what_is_wrong_is_told(self, arrays: Served, body: bytes, kind: str, told: str) -> None:
        status, answer = arrays.refusal("/score", body, [("content-type", kind)])
        assert status == 400
        assert list(answer) == ["message"]
        assert told in answer["message"]

    def test_an_npz_file_that_grows_too_large(self) -> None:
        served = Served(with_schema(lambda data: 1, data=np.zeros(1)), max_body_bytes=10_000)
        body = npz(data=np.zeros(100_000))
        assert len(body) < 10_000
        assert score(served, body, "application/x-npz").status == 413

    @pytest.mark.parametrize(
        ("kind", "package"), [("application/msgpack", "msgpack"), (None, "pyarrow")]
    )
    def test_a_library_that_is_not_there(
        self, arrays: Served, monkeypatch: pytest.MonkeyPatch, kind: str | None, package: str
    ) -> None:
        import sys

        monkeypatch.setitem(sys.modules, package, None)
        status, answer = arrays.refusal("/score", b"x", [("content-type", kind or ARROW)])
        assert status == 415
        assert f"needs the package {package}" in answer["message"]


ARROW = "application/vnd.apache.arrow.stream"


def stream(table: Any) -> bytes:
    import pyarrow.ipc

    sink = io.BytesIO()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


class TestAnswers:
    @pytest.mark.parametrize(
        "array", [ROWS, ROWS.astype(np.int8), np.array([1], np.float16), np.array(["ä"])]
    )
    def test_npy_keeps_the_dtype(self, array: Any) -> None:
        outcome = accepting(lambda: array, "application/x-npy")
        assert type_of(outcome) == "application/x-npy"
        found = np.load(io.BytesIO(outcome.body), allow_pickle=False)
        assert found.dtype == array.dtype
        assert found.tolist() == array.tolist()

    @pytest.mark.parametrize(
        ("result", "text"),
        [
            (pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), "a,b\n1,x\n2,y\n"),
            ([{"a": 1, "b": "x"}], "a,b\n1,x\n"),
            ({"a": [1], "b": ["x"]}, "a,b\n1,x\n"),
            (np.array([[1, 2], [3, 4]]), "1,2\n3,4\n"),
            ([1.5, 2.5], "1.5\n2.5\n"),
            (["x", "y"], "x\ny\n"),
        ],
    )
    def test_csv(self, result: Any, text: str) -> None:
        outcome = accepting(lambda: result, "text/csv")
        assert (outcome.body.decode(), type_of(outcome)) == (text, "text/csv")

    def test_msgpack(self) -> None:
        msgpack = pytest.importorskip("msgpack")
        outcome = accepting(lambda: {"a": ROWS[0]}, "application/msgpack")
        assert msgpack.unpackb(outcome.body) == {"a": ROWS[0].tolist()}

    def test_arrow(self) -> None:
        ipc = pytest.importorskip("pyarrow.ipc")
        matrix = ipc.open_stream(accepting(lambda: ROWS, ARROW).body).read_all()
        assert matrix.column("output-0").to_pylist() == ROWS.tolist()
        frame = pd.DataFrame({"a": [1]})
        assert ipc.open_stream(accepting(lambda: frame, ARROW).body).read_all().to_pylist() == [
            {"a": 1}
        ]

    @pytest.mark.parametrize(
        "accept",
        [
            "*/*",
            "application/json, application/x-npy",
            "application/x-npy;q=0.5, application/json",
            "application/x-npy;q=0, */*",
            "application/xml, */*;q=0.1",
        ],
    )
    def test_json_where_the_client_would_rather_have_it(self, accept: str) -> None:
        outcome = accepting(lambda: ROWS[0], accept)
        assert (outcome.body, type_of(outcome)) == (b"[0.0,1.0,2.0,3.0]", "application/json")

    def test_json_where_the_result_is_no_array(self) -> None:
        outcome = accepting(lambda: {"a": 1}, "application/x-npy, application/json;q=0.5")
        assert (outcome.status, outcome.body) == (200, b'{"a":1}')

    def test_no_form_that_is_accepted(self) -> None:
        outcome = accepting(lambda: {"a": 1}, "application/x-npy")
        assert outcome.status == 406
        assert "application/x-npy: the result is no array" in json.loads(outcome.body)["message"]

    def test_a_response_of_the_scripts_own(self) -> None:
        outcome = accepting(lambda: flask.Response("a", 201, mimetype="text/plain"), "text/csv")
        assert (outcome.status, outcome.body) == (201, b"a")
