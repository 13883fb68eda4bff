"""Arrays in numpy's own forms, from whoever sent them."""

from __future__ import annotations

import contextlib
import io
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.errors import BadInput
from scoreserve.worker.protocols.bodies import npy


def with_header(text: str, data: bytes = b"") -> bytes:
    """An npy body with this header."""
    header = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.arange(6, dtype=">f8").reshape(2, 3, order="F"),
        np.array(["a", "bc"]),
        np.array(5),
        np.empty((0, 3), np.int8),
        np.array([(1, 2.5)], [("a", "<i4"), ("b", "<f8")]),
        np.array(["2026-01-01"], "M8[D]"),
    ],
)
def test_an_array_is_as_it_was(array: Any) -> None:
    found = npy.array_of(memoryview(npy.written(array)))
    assert found.dtype == array.dtype.newbyteorder("=")
    assert found.tolist() == array.tolist()
    assert found.flags.writeable


@pytest.mark.parametrize(
    "shape", ["(10**9,)", "(1000000000000,)", f"(1{'0' * 4000}, 1{'0' * 4000})", "(-1,)", "(1, -4)"]
)
def test_a_shape_without_elements_makes_no_room(shape: str) -> None:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"
    with pytest.raises(BadInput):
        npy.array_of(with_header(text, b"abcd"))


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': 3, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [1]}",
        "__import__('os')",
        "(" * 3000,
        "",
        "\0",
    ],
)
def test_a_header_that_is_none(text: str) -> None:
    with pytest.raises(BadInput):
        npy.array_of(with_header(text, b"abcdefgh"))


@given(cut=st.integers(0, 140), byte=st.integers(0, 255))
def test_a_damaged_body_is_read_or_refused(cut: int, byte: int) -> None:
    body = bytearray(npy.written(np.arange(2.0)))
    body[cut % len(body)] = byte
    with contextlib.suppress(BadInput):
        npy.array_of(bytes(body))


@given(cut=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_damaged_file_of_several_is_read_or_refused(cut: int, byte: int) -> None:
    file = io.BytesIO()
    np.savez(file, a=np.arange(2.0))
    body = bytearray(file.getvalue())
    body[cut % len(body)] = byte
    with contextlib.suppress(BadInput):
        npy.arrays_of(bytes(body), 10_000)
