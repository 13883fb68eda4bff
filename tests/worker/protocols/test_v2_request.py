"""What a V2 body asks for. Whatever is wrong with it is BadInput, and nothing past it is read."""

from __future__ import annotations

import contextlib
import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.errors import BadInput
from scoreserve.worker.protocols import v2_request
from scoreserve.worker.protocols.tensors import DTYPES, to_bytes
from scoreserve.worker.protocols.v2_request import InferRequest
from tests.worker.protocols.requests import (
    Headers,
    binary_body,
    binary_input,
    head_of,
    json_input,
)

ONE = {"name": "x", "shape": [2], "datatype": "FP32", "data": [1, 2]}
FP32 = np.arange(4, dtype="<f4").tobytes()


def read(body: bytes, headers: Headers = ()) -> InferRequest:
    return v2_request.read(head_of(headers=headers), memoryview(body))


def read_json(*inputs: Any, **members: Any) -> InferRequest:
    return read(json.dumps({"inputs": inputs, **members}).encode())


def refusal(body: bytes, headers: Headers = ()) -> str:
    with pytest.raises(BadInput) as caught:
        read(body, headers)
    return caught.value.message


def refusal_of(*inputs: Any, **members: Any) -> str:
    return refusal(json.dumps({"inputs": inputs, **members}).encode())


class TestJson:
    @pytest.mark.parametrize("datatype", [name for name in DTYPES if name not in ("BOOL", "FP16")])
    def test_numbers_may_be_nested_or_in_a_row(self, datatype: str) -> None:
        array = np.array([[1, 2], [3, 4]])
        nested = json_input("x", array, datatype)
        flat = {**nested, "data": [1, 2, 3, 4]}
        for member in (nested, flat):
            (tensor,) = read_json(member).inputs
            assert tensor.array.dtype == DTYPES[datatype]
            assert tensor.array.tolist() == array.tolist()

    def test_bools(self) -> None:
        (tensor,) = read_json({**ONE, "datatype": "BOOL", "data": [True, False]}).inputs
        assert tensor.array.tolist() == [True, False]

    def test_texts_are_bytes(self) -> None:
        (tensor,) = read_json({**ONE, "datatype": "BYTES", "data": ["ä", "b\0"]}).inputs
        assert tensor.array.tolist() == ["ä".encode(), b"b\0"]

    def test_base64_as_mlserver_sends_it(self) -> None:
        member = {
            **ONE,
            "shape": [1],
            "datatype": "BYTES",
            "data": ["/w=="],
            "parameters": {"content_type": "base64"},
        }
        assert read_json(member).inputs[0].array.tolist() == [b"\xff"]
        assert "no base64" in refusal_of({**member, "data": ["?"]})

    @pytest.mark.parametrize(
        ("datatype", "number"),
        [("UINT64", 2**64 - 1), ("INT64", -(2**63)), ("UINT64", 2**63 + 1)],
    )
    def test_large_integers_keep_all_digits(self, datatype: str, number: int) -> None:
        (tensor,) = read_json({**ONE, "datatype": datatype, "data": [number, 1]}).inputs
        assert tensor.array.tolist() == [number, 1]

    def test_nan_is_a_float(self) -> None:
        (tensor,) = read_json({**ONE, "data": [float("nan"), float("-inf")]}).inputs
        assert np.isnan(tensor.array[0])
        assert np.isneginf(tensor.array[1])

    def test_none_of_a_shape_without_elements(self) -> None:
        (tensor,) = read_json({**ONE, "shape": [0, 4], "datatype": "INT8", "data": []}).inputs
        assert tensor.array.shape == (0, 4)

    @pytest.mark.parametrize(
        ("changed", "told"),
        [
            ({"data": [1]}, "has 2 elements, and data has 1"),
            ({"data": [1, 2, 3]}, "has 2 elements, and data has 3"),
            ({"data": [[1], [2, 3]]}, "different lengths"),
            ({"data": ["1", "2"]}, "no FP32"),
            ({"data": [1, None]}, "no FP32"),
            ({"data": [True, False]}, "no FP32"),
            ({"data": [{"a": 1}, 2]}, "no FP32"),
            ({"data": 5}, "must be a list"),
            ({"data": None}, "must be a list"),
            ({"datatype": "INT8", "data": [1, 128]}, "cannot hold"),
            ({"datatype": "UINT8", "data": [-1, 1]}, "cannot hold"),
            ({"datatype": "INT64", "data": [2**63, 1]}, "cannot hold"),
            ({"datatype": "INT64", "data": [2**70, 1]}, "cannot hold"),
            ({"datatype": "INT32", "data": [1.5, 1]}, "no INT32"),
            ({"datatype": "INT32", "data": [True, False]}, "no INT32"),
            ({"datatype": "BOOL", "data": [1, 0]}, "no BOOL"),
            ({"datatype": "BYTES", "data": ["a", 1]}, "must be texts"),
            ({"datatype": "BYTES", "data": ["a", "\ud800"]}, "no Unicode"),
            ({"datatype": "FP16"}, "send it as binary"),
            ({"datatype": "BF16"}, "send it as binary"),
            ({"datatype": "FP31"}, "there is no datatype 'FP31'; there are BOOL"),
            ({"datatype": 32}, "must have a datatype"),
            ({"shape": [-2]}, "at least 0"),
            ({"shape": [2.0]}, "whole numbers"),
            ({"shape": [True, 2]}, "whole numbers"),
            ({"shape": "2"}, "whole numbers"),
            ({"shape": None}, "whole numbers"),
            ({"shape": [2**31 + 1]}, "too many elements"),
            ({"shape": [2**20, 2**20]}, "too many elements"),
            ({"shape": [0, 2**40], "data": []}, "too many elements"),
            ({"shape": [1] * 99 + [2]}, "100 dimensions"),
            ({"name": ""}, "must have a name"),
            ({"name": 1}, "must have a name"),
            ({"parameters": []}, "must be an object"),
            ({"parameters": {"binary_data_size": 8}}, "both data and a binary_data_size"),
            ({"parameters": {"shared_memory_region": "r"}}, "extension"),
        ],
    )
    def test_what_is_wrong_is_told(self, changed: dict[str, Any], told: str) -> None:
        assert told in refusal_of({**ONE, **changed})

    def test_data_or_a_size_must_be_there(self) -> None:
        assert "neither data nor" in refusal_of({"name": "x", "shape": [1], "datatype": "FP32"})

    def test_two_inputs_of_one_name(self) -> None:
        assert "the same name" in refusal_of(ONE, ONE)

    @pytest.mark.parametrize(
        "members",
        [
            {},
            {"inputs": []},
            {"inputs": {}},
            {"inputs": [1]},
            {"inputs": [ONE], "id": 1},
            {"inputs": [ONE], "outputs": 1},
            {"inputs": [ONE], "outputs": [1]},
            {"inputs": [ONE], "outputs": [{}]},
            {"inputs": [ONE], "outputs": [{"name": 1}]},
            {"inputs": [ONE], "parameters": {"binary_data_output": 1}},
            {"inputs": [ONE], "outputs": [{"name": "y", "parameters": {"classification": 3}}]},
        ],
    )
    def test_other_members_are_looked_at(self, members: dict[str, Any]) -> None:
        refusal(json.dumps(members).encode())

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"a": 1'])
    def test_what_is_no_object_is_refused(self, body: bytes) -> None:
        assert "JSON" in refusal(body)


class TestOutputs:
    def test_all_in_json_unless_asked(self) -> None:
        request = read_json(ONE, id="7")
        assert (request.id, request.outputs) == ("7", None)
        assert not request.wants_binary("y")

    def test_one_wins_over_all(self) -> None:
        wanted = [{"name": "y", "parameters": {"binary_data": False}}, {"name": "z"}]
        request = read_json(ONE, parameters={"binary_data_output": True}, outputs=wanted)
        assert not request.wants_binary("y")
        assert request.wants_binary("z")


class TestBinary:
    @pytest.mark.parametrize("datatype", DTYPES)
    def test_each_datatype(self, datatype: str) -> None:
        array = np.array([[0, 1], [1, 0]]).astype(DTYPES[datatype])
        raw = array.tobytes()
        members = {"inputs": [binary_input("x", [2, 2], datatype, len(raw))]}
        (tensor,) = read(*binary_body(members, raw)).inputs
        assert tensor.array.dtype == array.dtype
        assert tensor.array.tolist() == array.tolist()
        assert to_bytes(tensor) == raw

    def test_bf16(self) -> None:
        ml_dtypes = pytest.importorskip("ml_dtypes")
        raw = np.array([1.5, -2], ml_dtypes.bfloat16).tobytes()
        members = {"inputs": [binary_input("x", [2], "BF16", 4)]}
        (tensor,) = read(*binary_body(members, raw)).inputs
        assert tensor.array.astype(float).tolist() == [1.5, -2]
        assert to_bytes(tensor) == raw

    def test_texts(self) -> None:
        raw = b"\x02\0\0\0ab\0\0\0\0\x01\0\0\0\xff"
        members = {"inputs": [binary_input("x", [3], "BYTES", len(raw))]}
        (tensor,) = read(*binary_body(members, raw)).inputs
        assert tensor.array.tolist() == [b"ab", b"", b"\xff"]
        assert to_bytes(tensor) == raw

    def test_arrays_are_copies(self) -> None:
        """Aligned, and no part of a buffer that others read."""
        body, headers = binary_body({"inputs": [binary_input("x", [4], "FP32", 16)]}, FP32)
        for padding in range(4):
            buffer = bytearray(body[:-16] + b" " * padding + FP32)
            length = len(buffer) - 16
            headers = [("inference-header-content-length", str(length))]
            (tensor,) = v2_request.read(head_of(headers=headers), memoryview(buffer)).inputs
            assert tensor.array.flags.aligned
            tensor.array[:] = 0
            assert buffer.endswith(FP32)

    def test_beside_json(self) -> None:
        members = {"inputs": [binary_input("a", [2], "FP32", 8), ONE]}
        members["inputs"].append(binary_input("b", [2], "FP32", 8))
        a, x, b = read(*binary_body(members, FP32)).inputs
        assert [each.array.tolist() for each in (a, x, b)] == [[0, 1], [1, 2], [2, 3]]

    @pytest.mark.parametrize("length", ["-1", "+5", "1_0", "x", "", "9" * 5000, "٣", "1e3", "1.0"])
    def test_a_length_that_is_none(self, length: str) -> None:
        body, _ = binary_body({"inputs": [binary_input("x", [4], "FP32", 16)]}, FP32)
        headers = [("inference-header-content-length", length.encode().decode("latin-1"))]
        assert "Inference-Header-Content-Length" in refusal(body, headers)

    @pytest.mark.parametrize("change", [-1, 1, 1000])
    def test_a_length_that_is_not_that_of_the_json(self, change: int) -> None:
        body, ((name, length),) = binary_body(
            {"inputs": [binary_input("x", [4], "FP32", 16)]}, FP32
        )
        refusal(body, [(name, str(int(length) + change))])

    @pytest.mark.parametrize(
        ("shape", "datatype", "size", "raw", "told"),
        [
            ([4], "FP32", 16, FP32[:-1], "up to 15"),
            ([4], "FP32", 16, FP32 + b"0", "16 bytes of binary data, and 17 follow"),
            ([4], "FP32", 12, FP32[:12], "has 16 bytes, and binary_data_size is 12"),
            ([3], "FP32", 16, FP32, "has 12 bytes, and binary_data_size is 16"),
            ([4], "FP32", -16, FP32, "must be a number of bytes"),
            ([4], "FP32", 16.0, FP32, "must be a number of bytes"),
            ([4], "FP32", True, b"0", "must be a number of bytes"),
            ([4], "FP32", "16", FP32, "must be a number of bytes"),
            ([4], "FP32", 2**64, FP32, "must be a number of bytes"),
            ([-4], "FP32", 16, FP32, "at least 0"),
            ([4], "FP", 16, FP32, "there is no datatype"),
            ([1], "BYTES", 4, b"\x01\0\0\0", "longer than the rest"),
            ([1], "BYTES", 4, b"\xff\xff\xff\xff", "longer than the rest"),
            ([1], "BYTES", 3, b"\0\0\0", "less than 1 elements"),
            ([2], "BYTES", 8, b"\x04\0\0\0abcd", "less than 2 elements"),
            ([2**30], "BYTES", 4, b"\0\0\0\0", "less than"),
            ([1], "BYTES", 8, b"\0\0\0\0\0\0\0\0", "after the last element"),
            ([0], "BYTES", 4, b"\0\0\0\0", "after the last element"),
        ],
    )
    def test_what_is_wrong_is_told(
        self, shape: list[int], datatype: str, size: Any, raw: bytes, told: str
    ) -> None:
        members = {"inputs": [binary_input("x", shape, datatype, size)]}
        assert told in refusal(*binary_body(members, raw))

    def test_a_size_without_the_header(self) -> None:
        assert "up to 0" in refusal_of(binary_input("x", [4], "FP32", 16))


# What no client of good will sends.

SIZES = st.one_of(
    st.integers(-2, 40), st.integers(), st.floats(), st.none(), st.booleans(), st.text(max_size=3)
)
SHAPES = st.one_of(st.lists(st.integers(-1, 5), max_size=4), st.lists(SIZES, max_size=4), SIZES)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)
DATATYPES = st.one_of(st.sampled_from([*DTYPES, "BYTES", "BF16"]), st.text(max_size=3), st.none())
INPUTS = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "", 1]), "shape": SHAPES, "datatype": DATATYPES},
    optional={
        "data": JSON,
        "parameters": st.one_of(
            JSON, st.fixed_dictionaries({"binary_data_size": SIZES}, optional={"x": JSON})
        ),
    },
)


@given(inputs=st.lists(INPUTS, max_size=3), raw=st.binary(max_size=64), change=st.integers(-9, 9))
def test_a_body_is_read_or_refused(inputs: list[Any], raw: bytes, change: int) -> None:
    """Whatever it is; and what is read has as many elements as its shape says."""
    body, ((name, length),) = binary_body({"inputs": inputs}, raw)
    try:
        request = read(body, [(name, str(int(length) + change))])
    except BadInput:
        return
    for tensor in request.inputs:
        assert tensor.array.size == np.prod(tensor.array.shape, dtype=int)


@given(body=st.binary(max_size=80), length=st.text(max_size=4))
def test_any_bytes_are_read_or_refused(body: bytes, length: str) -> None:
    headers = [("inference-header-content-length", length.encode().decode("latin-1"))]
    with contextlib.suppress(BadInput):
        read(body)
    with contextlib.suppress(BadInput):
        read(body, headers)


@given(
    items=st.lists(st.binary(max_size=5), max_size=4),
    cut=st.integers(0, 40),
    length=st.integers(0, 2**32 - 1),
)
def test_texts_that_lie_about_their_length(items: Sequence[bytes], cut: int, length: int) -> None:
    """No byte is read that is not the tensor's: the body goes on after it."""
    raw = b"".join(struct.pack("<I", len(item)) + item for item in items)
    lying = raw[:cut] + struct.pack("<I", length) + raw[cut + 4 :]
    members = {
        "inputs": [
            binary_input("x", [len(items)], "BYTES", len(lying)),
            binary_input("secret", [8], "UINT8", 8),
        ]
    }
    body, headers = binary_body(members, lying, b"S" * 8)
    try:
        tensor, secret = read(body, headers).inputs
    except BadInput:
        return
    assert sum(4 + len(item) for item in tensor.array) == len(lying)
    assert secret.array.tobytes() == b"S" * 8
