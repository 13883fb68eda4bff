"""The result of run() as tensors of the Open Inference Protocol.

    Tensors, of a model without a script               an output for each
    a dict of lists or arrays, all of one length      an output for each key
    a DataFrame                                       an output for each column
    anything else                                     one output, `output-0`

An array keeps its dtype. Python's floats are FP64, integers INT64, texts BYTES. What is no array
of one type (rows of different lengths, objects, null) is BYTES, its JSON, with the content type
`json`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import loads  # the script may put another in its place
from typing import Any, Final

import numpy as np

from scoreserve.worker.protocols.tensors import BYTES, DTYPES, Array, Tensor, datatype_of
from scoreserve.worker.script import json_text, tables
from scoreserve.worker.script.model_interface import Tensors

ONLY_OUTPUT: Final = "output-0"
_JSON: Final = {"content_type": "json"}
_LARGEST_EXACT: Final = 1 << 53  # integer that a float can be


def tensors_of(value: Any, *, strict_json: bool = False) -> list[Tensor]:
    """The outputs that a result is. Raises what `json_text.dumps` does for what has no plain form;
    `strict_json`: see there.
    """
    columns = value if isinstance(value, Tensors) else _columns(value)
    if columns is None:
        columns = {ONLY_OUTPUT: {} if value is None else value}
    return [_tensor(name, each, strict=strict_json) for name, each in columns.items()]


def array_of(value: Any) -> Array | None:
    """A value as an array of numbers, or of bytes objects for texts; None where it is neither."""
    if isinstance(value, (bool, float, str)):
        return _known(np.array(value))
    if isinstance(value, (int, list, tuple)):
        return _of_list([value] if isinstance(value, int) else value)
    if tables.is_series(value):
        return _known(value.to_numpy())
    if not hasattr(value, "__array__") or tables.is_frame(value):
        return None
    try:  # numpy's own, or of torch
        return _known(np.asarray(value))
    except Exception:  # on a device, or with a gradient: its own list may do
        return None


def _columns(value: Any) -> Mapping[str, Any] | None:
    """The outputs by name, where a result has some."""
    if tables.is_frame(value):
        frame = value if tables.says_no_more_than_places(value.index) else value.reset_index()
        names = [str(column) for column in frame.columns]
        if not names or len(set(names)) < len(names):
            return None
        return {name: frame.iloc[:, place] for place, name in enumerate(names)}
    if not isinstance(value, dict) or not value:
        return None
    if not all(isinstance(name, str) and name and _is_list(value[name]) for name in value):
        return None
    return value if len({len(each) for each in value.values()}) == 1 else None


def _is_list(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return True
    return hasattr(value, "tolist") and getattr(value, "ndim", 0) > 0 and hasattr(value, "__len__")


def _tensor(name: str, value: Any, *, strict: bool) -> Tensor:
    array = array_of(value)
    if array is None:
        text = json_text.dumps(value, strict=strict)
        array = _texts_in(loads(text))  # dates, say, and objects of other libraries
        if array is None:
            return Tensor(name, BYTES, _objects([text]), dict(_JSON))
    datatype = BYTES if array.dtype.kind == "O" else datatype_of(array.dtype)
    assert datatype is not None
    return Tensor(name, datatype, array if array.ndim else array.reshape(1))


def _known(array: Array) -> Array | None:
    """The array with one of the protocol's dtypes."""
    datatype = datatype_of(array.dtype)
    if datatype is not None:
        return array.astype(DTYPES.get(datatype, array.dtype), copy=False)
    if array.dtype.kind == "f":  # of more than 64 bits
        return array.astype(DTYPES["FP64"])
    if array.dtype.kind in "OSU":
        return _encoded(array)
    return None


def _encoded(array: Array) -> Array | None:
    """An array of texts or bytes as one of bytes objects; None where anything else is in it."""
    items = array.ravel().tolist()
    if not all(isinstance(item, (str, bytes)) for item in items):
        return None
    try:
        encoded = [item.encode() if isinstance(item, str) else item for item in items]
    except UnicodeEncodeError:  # a lone surrogate
        return None
    return _objects(encoded).reshape(array.shape)


def _objects(items: Sequence[bytes]) -> Array:
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def _of_list(items: Sequence[Any]) -> Array | None:
    try:
        array = np.array(items)
        if array.dtype.kind in "OSU":  # numpy makes texts of numbers beside texts
            array = np.array(items, dtype=object)
        elif array.dtype.kind == "f" and _has_long_integer(items):
            return None
    except Exception:  # rows of different lengths, and whatever the items are
        return None
    return _known(array)


def _has_long_integer(items: Sequence[Any]) -> bool:
    """Whether numpy has made a float of an integer that is none, as of 2**63 beside -1."""
    flat = items if not items or not isinstance(items[0], (list, tuple)) else ()
    return any(type(item) is int and abs(item) > _LARGEST_EXACT for item in flat)


def _texts_in(tree: Any) -> Array | None:
    found = _of_list(tree) if isinstance(tree, list) and tree else None
    return found if found is not None and found.dtype.kind == "O" else None
