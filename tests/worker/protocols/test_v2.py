"""V2 requests to scripts of each kind, from the body to the body."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoreserve.worker.protocols import v2_request
from scoreserve.worker.protocols.outputs import tensors_of
from tests.worker.protocols.conftest import with_schema
from tests.worker.protocols.requests import (
    INFER,
    Served,
    binary_body,
    binary_input,
    json_input,
)

ROWS = np.arange(8, dtype=np.float32).reshape(2, 4)


def rows_input(name: str = "data", rows: Any = ROWS) -> dict[str, Any]:
    return json_input(name, rows, "FP32")


def body_of(*inputs: Any, **members: Any) -> bytes:
    return json.dumps({"inputs": inputs, **members}).encode()


class TestArrays:
    def test_json_in_and_out(self, arrays: Served) -> None:
        assert arrays.infer({"id": "7", "inputs": [rows_input()]}) == {
            "id": "7",
            "model_name": "model",
            "model_version": "1",
            "outputs": [
                {"name": "output-0", "datatype": "FP32", "shape": [2], "data": [6.0, 22.0]}
            ],
        }

    def test_binary_in_and_out(self, arrays: Served) -> None:
        members = {
            "inputs": [binary_input("data", [2, 4], "FP32", 32)],
            "parameters": {"binary_data_output": True},
        }
        outcome = arrays.ask(INFER, *binary_body(members, ROWS.tobytes()))
        head = dict(line.split(b": ") for line in outcome.head.splitlines())
        assert head[b"content-type"] == b"application/octet-stream"
        length = int(head[b"inference-header-content-length"])
        (output,) = json.loads(outcome.body[:length])["outputs"]
        assert output["parameters"] == {"binary_data_size": 8}
        assert "data" not in output
        assert np.frombuffer(outcome.body[length:], np.float32).tolist() == [6, 22]

    def test_one_input_needs_no_name(self, arrays: Served) -> None:
        assert arrays.infer({"inputs": [rows_input("input-0")]})["outputs"][0]["data"] == [6, 22]

    def test_numbers_are_cast_where_that_changes_none(self, arrays: Served) -> None:
        whole = json_input("data", ROWS.astype(int), "INT64")
        assert arrays.infer({"inputs": [whole]})["outputs"][0]["datatype"] == "FP32"

    @pytest.mark.parametrize(
        ("inputs", "told"),
        [
            ([rows_input(rows=ROWS[:, :3])], "the shape [2, 3], and run() takes [-1, 4]"),
            ([rows_input(rows=ROWS[0])], "the shape [4], and run() takes [-1, 4]"),
            ([rows_input(), rows_input("more")], "There is no input 'more'; run() takes 'data'"),
            ([json_input("data", [["a"] * 4], "BYTES")], "it is BYTES, and run() takes float32"),
        ],
    )
    def test_what_run_does_not_take(self, arrays: Served, inputs: Any, told: str) -> None:
        status, answer = arrays.refusal(INFER, body_of(*inputs))
        assert status == 400
        assert told in answer["error"]

    @pytest.mark.parametrize("value", [1.5, 300.0, float("nan"), -1.0])
    def test_a_number_that_the_sample_cannot_hold(self, value: float) -> None:
        served = Served(with_schema(lambda data: data, data=np.zeros(1, np.uint8)))
        status, answer = served.refusal(INFER, body_of(json_input("data", [value], "FP32")))
        assert status == 400
        assert "uint8 cannot hold" in answer["error"]

    def test_an_output_that_is_not_there(self, arrays: Served) -> None:
        body = body_of(rows_input(), outputs=[{"name": "score"}])
        status, answer = arrays.refusal(INFER, body)
        assert status == 400
        assert answer == {"error": "There is no output 'score'; run() has given 'output-0'"}

    def test_texts_and_bytes_as_the_sample_has_them(self) -> None:
        def run(data: Any) -> str:
            return type(data[0]).__name__

        inputs = {"inputs": [json_input("data", ["a"], "BYTES")]}
        for sample, name in ((np.array(["a"], object), "str"), (np.array([b"a"], object), "bytes")):
            served = Served(with_schema(run, data=sample))
            assert served.infer(inputs)["outputs"][0]["data"] == [name]

    def test_several_parameters_by_name(self) -> None:
        def run(a: Any, b: Any, scale: int = 2) -> Any:
            return (a - b) * scale

        served = Served(with_schema(run, a=np.zeros(1), b=np.zeros(1), scale=1))
        a, b = json_input("a", [3.0, 5.0], "FP64"), json_input("b", [1.0, 1.0], "FP64")
        assert served.infer({"inputs": [b, a]})["outputs"][0]["data"] == [4, 8]
        scale = json_input("scale", [3], "INT64")
        assert served.infer({"inputs": [b, scale, a]})["outputs"][0]["data"] == [6, 12]
        status, answer = served.refusal(INFER, body_of(a))
        assert (status, answer) == (400, {"error": "There is no input 'b', which run() takes"})


class TestFrames:
    def test_a_column_an_input(self, frames: Served) -> None:
        size = json_input("size", [[1.5], [2.0]], "FP64")
        name = json_input("name", ["a", "ä"], "BYTES")
        (output,) = frames.infer({"inputs": [name, size]})["outputs"]
        assert output["data"] == ["a:1.5", "ä:2.0"]

    def test_a_matrix_has_the_columns_of_the_sample(self) -> None:
        def run(data: Any) -> Any:
            return data["b"] - data["a"]

        served = Served(with_schema(run, data=pd.DataFrame({"a": [1.0], "b": [2.0]})))
        matrix = json_input("anything", [[1.0, 5.0], [2.0, 7.0]], "FP32")
        assert served.infer({"inputs": [matrix]})["outputs"][0]["data"] == [4, 5]

    @pytest.mark.parametrize(
        ("inputs", "told"),
        [
            ([json_input("size", [1.5], "FP64")], "it has no column 'name'"),
            (
                [json_input(name, [1.5], "FP64") for name in ("size", "name", "age")],
                "a column 'age' that run() does not take",
            ),
            (
                [json_input("size", [1.5], "FP64"), json_input("name", ["a", "b"], "BYTES")],
                "same length",
            ),
            (
                [json_input("size", ["x"], "BYTES"), json_input("name", ["a"], "BYTES")],
                "could not convert",
            ),
            ([json_input("matrix", [[1.0, 2.0, 3.0]], "FP64")], "must have 2 columns"),
        ],
    )
    def test_what_run_does_not_take(self, frames: Served, inputs: Any, told: str) -> None:
        status, answer = frames.refusal(INFER, body_of(*inputs))
        assert status == 400
        assert told in answer["error"]


class TestValues:
    @pytest.mark.parametrize(
        ("sample", "member", "expected"),
        [
            (1, json_input("data", [5], "INT64"), 5),
            (1.5, json_input("data", [2.5], "FP64"), 2.5),
            ("a", json_input("data", ["b"], "BYTES"), "b"),
            ([1], json_input("data", [5, 6], "INT64"), [5, 6]),
            ([1], json_input("data", [5], "INT64"), [5]),
            ({"a": 1}, json_input("data", ['{"a": 2}'], "BYTES"), {"a": 2}),
            (b"a", json_input("data", ["\xff"], "BYTES"), b"\xc3\xbf"),
        ],
    )
    def test_are_of_the_samples_type(self, sample: Any, member: Any, expected: Any) -> None:
        served = Served(with_schema(lambda data: repr(data), data=sample))  # noqa: PLW0108
        assert served.infer({"inputs": [member]})["outputs"][0]["data"] == [repr(expected)]


class TestTexts:
    def test_one_input_is_data(self, texts: Served) -> None:
        (output,) = texts.infer({"inputs": [rows_input()]})["outputs"]
        assert json.loads(output["data"][0]) == {"data": ROWS.tolist()}

    def test_the_member_has_another_name_if_asked(self) -> None:
        served = Served(lambda raw_data: raw_data, v2_key="inputs")
        (output,) = served.infer({"inputs": [rows_input()]})["outputs"]
        assert json.loads(output["data"][0]) == {"inputs": ROWS.tolist()}

    def test_several_have_their_names(self, texts: Served) -> None:
        names = json_input("b", ["x", "y"], "BYTES")
        (output,) = texts.infer({"inputs": [json_input("a", [True], "BOOL"), names]})["outputs"]
        assert json.loads(output["data"][0]) == {"a": [True], "b": ["x", "y"]}

    def test_a_float32_keeps_its_digits(self, texts: Served) -> None:
        """As tolist() has it: a model must see the number that the client has sent."""
        rows = np.array([0.1, 1 / 3], np.float32)
        members = {"inputs": [binary_input("x", [2], "FP32", 8)]}
        (output,) = texts.infer(members, rows.tobytes())["outputs"]
        assert json.loads(output["data"][0])["data"] == rows.tolist()

    def test_nan_is_written_as_json_writes_it(self, texts: Served) -> None:
        (output,) = texts.infer({"inputs": [json_input("x", [np.nan], "FP64")]})["outputs"]
        assert output["data"] == ['{"data": [NaN]}']

    def test_raw_bytes_are_the_body(self, texts: Served) -> None:
        raw = json_input("raw", ['{"any": "thing"}'], "BYTES")
        assert texts.infer({"inputs": [raw]})["outputs"][0]["data"] == ['{"any": "thing"}']
        named = {**raw, "name": "x", "parameters": {"content_type": "raw"}}
        assert texts.infer({"inputs": [named]})["outputs"][0]["data"] == ['{"any": "thing"}']

    def test_a_raw_body_for_a_schema(self, arrays: Served) -> None:
        raw = json_input("raw", [json.dumps({"data": ROWS.tolist()})], "BYTES")
        assert arrays.infer({"inputs": [raw]})["outputs"][0]["data"] == [6, 22]

    def test_bytes_that_are_no_text(self, texts: Served) -> None:
        members = {"inputs": [binary_input("x", [1], "BYTES", 5)]}
        status, answer = texts.refusal(INFER, *binary_body(members, b"\x01\0\0\0\xff"))
        assert status == 400
        assert "no text in UTF-8" in answer["error"]


def answer_to(result: Callable[[], Any]) -> Any:
    """The outputs of a script with this result."""
    return Served(lambda raw_data: result()).infer({"inputs": [rows_input()]})["outputs"]


class TestResults:
    @pytest.mark.parametrize(
        ("result", "datatype", "shape", "data"),
        [
            (np.array([[1, 2]], np.float32), "FP32", [1, 2], [1, 2]),
            (np.array([1.5], np.float16), "FP16", [1], [1.5]),
            (np.array([1], ">i4"), "INT32", [1], [1]),
            (np.array([[1, 2], [3, 4]]).T, "INT64", [2, 2], [1, 3, 2, 4]),
            (np.longdouble(1.5), "FP64", [1], [1.5]),
            (np.array(["a", "ä"]), "BYTES", [2], ["a", "ä"]),
            (np.array([[True]]), "BOOL", [1, 1], [True]),
            (1.5, "FP64", [1], [1.5]),
            (True, "BOOL", [1], [True]),
            (7, "INT64", [1], [7]),
            ("yes", "BYTES", [1], ["yes"]),
            ([1, 2], "INT64", [2], [1, 2]),
            ([1, 2.5], "FP64", [2], [1, 2.5]),
            ([[1], [2]], "INT64", [2, 1], [1, 2]),
            (["a", "b"], "BYTES", [2], ["a", "b"]),
            ([np.float32(1)], "FP32", [1], [1]),
            ([2**64 - 1], "UINT64", [1], [2**64 - 1]),
            (np.array(["2026-01-02"], "M8[D]"), "BYTES", [1], ["2026-01-02"]),
            (pd.Series([1.5, 2.5]), "FP64", [2], [1.5, 2.5]),
            (np.empty((0, 3), np.float32), "FP32", [0, 3], []),
        ],
    )
    def test_are_one_output(self, result: Any, datatype: str, shape: Any, data: Any) -> None:
        expected = {"name": "output-0", "datatype": datatype, "shape": shape, "data": data}
        assert answer_to(lambda: result) == [expected]

    @pytest.mark.parametrize(
        "result",
        [
            [[1], [2, 3]],
            ["a", 1],
            [1, None],
            {"a": 1},
            {"a": [1], "b": [1, 2]},
            {"a": [1], 2: [1]},
            [{"a": 1}],
            [2**70],
            [2**63, -1],
            {},
            None,
        ],
    )
    def test_that_are_no_tensor_are_json(self, result: Any) -> None:
        (output,) = answer_to(lambda: result)
        assert (output["datatype"], output["shape"]) == ("BYTES", [1])
        assert output["parameters"] == {"content_type": "json"}
        expected = json.loads(json.dumps({} if result is None else result))
        assert json.loads(output["data"][0]) == expected

    def test_of_several_lists_are_several_outputs(self) -> None:
        result = {"label": np.array(["a", "b"]), "p": [0.5, 1.0]}
        label, p = answer_to(lambda: result)
        assert (label["name"], label["data"]) == ("label", ["a", "b"])
        assert (p["name"], p["data"], p["datatype"]) == ("p", [0.5, 1.0], "FP64")

    def test_the_columns_of_a_frame_are_outputs(self) -> None:
        frame = pd.DataFrame({"label": ["a"], "p": np.array([0.5], np.float32)})
        label, p = answer_to(lambda: frame)
        assert (label["data"], p["data"], p["datatype"]) == (["a"], [0.5], "FP32")

    def test_nan_is_written_as_json_writes_it(self) -> None:
        served = Served(lambda raw_data: np.array([np.nan, 1], np.float32))
        body = served.ask(INFER, body_of(rows_input())).body
        assert b"[NaN, 1.0]" in body
        strict = Served(lambda raw_data: np.array([np.nan, 1], np.float32), strict_json=True)
        assert b"[null,1.0]" in strict.ask(INFER, body_of(rows_input())).body

    def test_bytes_that_are_no_text_are_base64(self) -> None:
        (output,) = answer_to(lambda: np.array([b"\xff"], object))
        assert (output["data"], output["parameters"]) == (["/w=="], {"content_type": "base64"})

    def test_a_result_that_nobody_can_write(self) -> None:
        served = Served(lambda raw_data: {1, 2})
        status, answer = served.refusal(INFER, body_of(rows_input()))
        assert status == 500
        assert list(answer) == ["error"]

    def test_a_streamed_result(self) -> None:
        served = Served(lambda raw_data: (part for part in ("a", "b")))
        status, answer = served.refusal(INFER, body_of(rows_input()))
        assert status == 500
        assert "streams its answer" in answer["error"]

    def test_keep_their_bytes(self) -> None:
        """Each result is what a client reads back."""
        for value in (ROWS.T, np.array([[1]], ">u2"), np.array([1.5], np.float16)):
            (tensor,) = tensors_of(value)
            assert tensor.array.tobytes() == value.astype(tensor.array.dtype).tobytes()


class TestResponses:
    def respond(self, status: int, content: str | bytes, mimetype: str) -> tuple[int, Any]:
        import flask

        served = Served(lambda raw_data: flask.Response(content, status, mimetype=mimetype))
        return served.refusal(INFER, body_of(rows_input()))

    def test_of_200_are_their_json(self) -> None:
        status, answer = self.respond(200, "[1, 2]", "application/json")
        assert (status, answer["outputs"][0]["data"]) == (200, [1, 2])

    def test_of_200_that_are_no_json_are_their_text(self) -> None:
        status, answer = self.respond(200, "fine", "text/plain")
        assert (status, answer["outputs"][0]["data"]) == (200, ["fine"])

    @pytest.mark.parametrize("content", ['{"message": "too old"}', '"too old"', "too old"])
    def test_of_an_error_keep_their_status(self, content: str) -> None:
        assert self.respond(418, content, "application/json") == (418, {"error": "too old"})


class TestFailures:
    def test_run_raises(self) -> None:
        def run(raw_data: str) -> None:
            raise ValueError(raw_data)

        status, answer = Served(run).refusal(INFER, body_of(rows_input()))
        assert status == 500
        assert answer["error"].startswith("An unexpected error occurred in scoring script.")
        shown = Served(run, show_tracebacks=True).refusal(INFER, body_of(rows_input()))[1]
        assert "ValueError" in shown["traceback"][-1]

    def test_a_fault_in_reading_ends_the_request_alone(
        self, arrays: Served, monkeypatch: pytest.MonkeyPatch, server_log: pytest.LogCaptureFixture
    ) -> None:
        def read(head: Any, body: Any) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(v2_request, "read", read)
        status, answer = arrays.refusal(INFER, body_of(rows_input()))
        assert (status, list(answer)) == (500, ["error"])
        assert "The body could not be read" in server_log.text

    def test_a_compressed_body(self, arrays: Served) -> None:
        status, answer = arrays.refusal(INFER, b"\x1f\x8b", [("content-encoding", "gzip")])
        assert status == 415
        assert "SCORESERVE_GZIP_BODIES" in answer["error"]


def test_run_may_take_headers_too() -> None:
    def run(raw_data: str, request_headers: dict[str, str]) -> str:
        return request_headers["X-Tenant"]

    outcome = Served(run).ask(INFER, body_of(rows_input()), [("x-tenant", "t")])
    assert json.loads(outcome.body)["outputs"][0]["data"] == ["t"]


class TestMetadata:
    def test_of_an_array(self, arrays: Served) -> None:
        assert arrays.protocols.tensors == {
            "platform": "azureml_script",
            "inputs": [{"name": "data", "datatype": "FP32", "shape": [-1, 4]}],
            "outputs": [],
        }

    def test_of_a_frame(self, frames: Served) -> None:
        assert frames.protocols.tensors["inputs"] == [
            {"name": "size", "datatype": "FP64", "shape": [-1]},
            {"name": "name", "datatype": "BYTES", "shape": [-1]},
        ]

    def test_of_values(self) -> None:
        run = with_schema(lambda a, b, c: 1, a=1, b=[["x"]], c={"k": 1})
        assert Served(run).protocols.tensors["inputs"] == [
            {"name": "a", "datatype": "INT64", "shape": [1]},
            {"name": "b", "datatype": "BYTES", "shape": [-1, -1]},
            {"name": "c", "datatype": "BYTES", "shape": [1]},
        ]

    def test_of_a_text_is_empty(self, texts: Served) -> None:
        assert texts.protocols.tensors["inputs"] == []

    def test_of_the_result(self) -> None:
        from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
        from inference_schema.schema_decorators import output_schema

        def run(data: Any) -> Any:
            return data

        decorated = output_schema(NumpyParameterType(np.zeros((1, 3), np.float32)))(
            with_schema(run, data=np.zeros((1, 3), np.float32))
        )
        assert Served(decorated).protocols.tensors["outputs"] == [
            {"name": "output-0", "datatype": "FP32", "shape": [-1, 3]}
        ]
