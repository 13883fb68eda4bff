"""Tensors of the Open Inference Protocol: arrays with a name and a datatype, as JSON or raw bytes.

Datatypes are those of the protocol; BYTES is text or any bytes, an array of objects here. Raw bytes
are little-endian, in row-major order, without gaps; each element of BYTES has its length before it,
in 4 bytes. From Triton's binary data extension, https://github.com/triton-inference-server/server/
blob/main/docs/protocol/extension_binary_data.md.

What a request says is never trusted: a tensor is made only of as many elements as its shape has.
Every array is a copy: aligned, and the script's to write to.
"""

from __future__ import annotations

import binascii
import math
from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from scoreserve.errors import BadInput
from scoreserve.wire import Buffer

BYTES: Final = "BYTES"
BF16: Final = "BF16"
# That have a dtype of numpy's own.
DTYPES: Final = {
    "BOOL": np.dtype("?"),
    **{f"UINT{8 * size}": np.dtype(f"<u{size}") for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": np.dtype(f"<i{size}") for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": np.dtype(f"<f{size}") for size in (2, 4, 8)},
}
_DATATYPES: Final = {(dtype.kind, dtype.itemsize): name for name, dtype in DTYPES.items()}
_BINARY_ONLY: Final = ("FP16", BF16)

_MOST_ELEMENTS: Final = 1 << 31
_LENGTH_BYTES: Final = 4
_LONGEST_SHOWN: Final = 60  # characters of what clients write

Array = Any  # np.ndarray, whose types of elements are known when it is there


@dataclass
class Tensor:
    """One input or output. `array` holds bytes objects where the datatype is BYTES."""

    name: str
    datatype: str
    array: Array
    parameters: dict[str, Any] = field(default_factory=dict)


def shown(value: object) -> str:
    """What a client wrote, short enough for a message."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def datatype_of(dtype: Any) -> str | None:
    """The datatype of an array of numbers, None where there is none: texts, objects, dates."""
    if getattr(dtype, "name", "") == "bfloat16":
        return BF16
    return _DATATYPES.get((dtype.kind, getattr(dtype, "itemsize", 0)))  # pandas' may have none


def elements_of(name: str, shape: object) -> tuple[tuple[int, ...], int]:
    """The shape, and how many elements it has. Raises BadInput."""
    if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
        raise BadInput(
            f"input {shown(name)}: shape must be a list of whole numbers of at least 0, not"
            f" {shown(shape)}"
        )
    elements = math.prod(shape)
    # A size of 0 must not hide others that no array can have.
    if math.prod(size for size in shape if size) > _MOST_ELEMENTS:
        raise BadInput(f"input {shown(name)}: the shape {shown(shape)} has too many elements")
    return tuple(shape), elements


def from_json(name: str, datatype: str, shape: object, data: object) -> Array:
    """The array of a tensor whose `data` is JSON, nested or flat. Raises BadInput."""
    wanted, elements = elements_of(name, shape)
    if not isinstance(data, list):
        raise BadInput(f"input {shown(name)}: data must be a list, not {type(data).__name__}")
    if datatype in _BINARY_ONLY:
        raise BadInput(
            f"input {shown(name)}: {datatype} has no form in JSON: send it as binary data"
        )
    flat = _flat_texts(name, data) if datatype == BYTES else _flat_numbers(name, datatype, data)
    if flat.size != elements:
        raise BadInput(
            f"input {shown(name)}: the shape {shown(shape)} has {elements} elements, and data has"
            f" {flat.size}"
        )
    return _shaped(name, flat, wanted)


def _shaped(name: str, flat: Array, shape: tuple[int, ...]) -> Array:
    try:
        return flat.reshape(shape)
    except ValueError:  # more dimensions than numpy has
        raise BadInput(f"input {shown(name)}: a shape of {len(shape)} dimensions") from None


def _flat_numbers(name: str, datatype: str, data: list[Any]) -> Array:
    dtype = _dtype(name, datatype)
    try:
        found = np.array(data)
    except (ValueError, OverflowError, RecursionError):
        raise BadInput(f"input {shown(name)}: data has rows of different lengths") from None
    if found.size == 0:
        return np.empty(0, dtype)
    if found.dtype.kind in "fO" and dtype.kind in "iu":
        found = _integers(name, datatype, data)  # of which numpy may have made floats
    allowed = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[dtype.kind]
    if found.dtype.kind not in allowed:
        raise BadInput(f"input {shown(name)}: data has what is no {datatype}")
    if dtype.kind in "iu" and found.size:
        limits = np.iinfo(dtype)
        if int(found.min()) < limits.min or int(found.max()) > limits.max:
            raise BadInput(f"input {shown(name)}: data has a number that {datatype} cannot hold")
    with np.errstate(over="ignore"):
        return found.astype(dtype).ravel()


def _integers(name: str, datatype: str, data: list[Any]) -> Array:
    """Whole numbers of up to 64 bits, none of which has been a float on the way."""
    found = np.array(data, dtype=object)
    if not all(type(item) is int for item in found.flat):
        raise BadInput(f"input {shown(name)}: data has what is no {datatype}")
    try:
        return found.astype("u8" if datatype.startswith("U") else "i8")
    except OverflowError:
        raise BadInput(
            f"input {shown(name)}: data has a number that {datatype} cannot hold"
        ) from None


def _flat_texts(name: str, data: list[Any]) -> Array:
    try:
        found = np.array(data, dtype=object).ravel()
    except (ValueError, RecursionError):
        raise BadInput(f"input {shown(name)}: data has rows of different lengths") from None
    if not all(isinstance(item, str) for item in found):
        raise BadInput(f"input {shown(name)}: data of BYTES must be texts")
    try:
        return _objects([item.encode() for item in found])
    except UnicodeEncodeError:
        raise BadInput(f"input {shown(name)}: data has a text that is no Unicode") from None


def _objects(items: Sequence[Any]) -> Array:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _dtype(name: str, datatype: str) -> Any:
    if datatype == BF16:
        try:
            from ml_dtypes import bfloat16
        except ImportError:
            raise BadInput(
                f"input {shown(name)}: BF16 needs the package ml_dtypes, which is not installed"
                " here"
            ) from None
        return np.dtype(bfloat16)
    if datatype not in DTYPES:
        known = ", ".join((*DTYPES, BF16, BYTES))
        raise BadInput(
            f"input {shown(name)}: there is no datatype {shown(datatype)}; there are {known}"
        )
    return DTYPES[datatype]


def from_bytes(name: str, datatype: str, shape: object, data: Buffer) -> Array:
    """The array of a tensor whose elements are raw bytes. Raises BadInput."""
    wanted, elements = elements_of(name, shape)
    if datatype == BYTES:
        return _shaped(name, _objects(_split(name, data, elements)), wanted)
    dtype = _dtype(name, datatype)
    if len(data) != elements * dtype.itemsize:
        raise BadInput(
            f"input {shown(name)}: {datatype} of the shape {shown(shape)} has"
            f" {elements * dtype.itemsize} bytes, and binary_data_size is {len(data)}"
        )
    if not elements:
        return _shaped(name, np.empty(0, dtype), wanted)
    return _shaped(name, np.frombuffer(data, dtype).copy(), wanted)


def _split(name: str, data: Buffer, elements: int) -> list[bytes]:
    """The elements of a BYTES tensor."""
    view = memoryview(data)
    if elements * _LENGTH_BYTES > len(view):
        raise BadInput(f"input {shown(name)}: there are less than {elements} elements of BYTES")
    found = []
    start = 0
    for _ in range(elements):
        begin = start + _LENGTH_BYTES
        if begin > len(view):
            raise BadInput(f"input {shown(name)}: there are less than {elements} elements of BYTES")
        start = begin + int.from_bytes(view[start:begin], "little")
        if start > len(view):
            raise BadInput(
                f"input {shown(name)}: an element of BYTES is longer than the rest of the tensor"
            )
        found.append(bytes(view[begin:start]))
    if start != len(view):
        raise BadInput(f"input {shown(name)}: there are bytes after the last element of BYTES")
    return found


def to_bytes(tensor: Tensor) -> bytes:
    """The elements of a tensor as raw bytes."""
    array = tensor.array
    if tensor.datatype != BYTES:
        little = array if tensor.datatype == BF16 else array.astype(DTYPES[tensor.datatype])
        return bytes(little.tobytes())
    return b"".join(
        part for item in array.flat for part in (len(item).to_bytes(_LENGTH_BYTES, "little"), item)
    )


def from_base64(name: str, array: Array) -> Array:
    """The bytes behind base64 texts, as MLServer's clients send bytes in JSON. Raises BadInput."""
    try:
        decoded = [b64decode(item, validate=True) for item in array.flat]
    except binascii.Error:
        raise BadInput(f"input {shown(name)}: data has a text that is no base64") from None
    return _objects(decoded).reshape(array.shape)


def texts(name: str, array: Array) -> Array:
    """The texts of a BYTES tensor. Raises BadInput where one is no UTF-8."""
    try:
        return _objects([item.decode() for item in array.flat]).reshape(array.shape)
    except UnicodeDecodeError:
        raise BadInput(f"input {shown(name)}: BYTES that are no text in UTF-8") from None


def plain(tensor: Tensor) -> Any:
    """The elements of a tensor as lists, numbers and texts. Raises BadInput as `texts` does."""
    array = texts(tensor.name, tensor.array) if tensor.datatype == BYTES else tensor.array
    return array.tolist()


def by_name(tensors: Sequence[Tensor]) -> Mapping[str, Tensor]:
    """The tensors by name. Raises BadInput where two have one name."""
    found = {tensor.name: tensor for tensor in tensors}
    if len(found) < len(tensors):
        raise BadInput("two inputs have the same name")
    return found
