"""The text that a plain run(raw_data) gets for a request of another protocol: JSON, made anew.

    one value        {"data": value}; SCORESERVE_V2_KEY renames the member
    several, named   {name: value, ...}

An array's numbers keep all their digits: a float32 is written as the float64 that it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import orjson

from scoreserve.worker.protocols.tensors import Tensor, texts

_OPTIONS: Final = orjson.OPT_SERIALIZE_NUMPY
_dumps: Final = json.dumps  # the script may put another in its place


def value_of(tensor: Tensor) -> Any:
    """What stands for a tensor in the JSON. Raises BadInput for bytes that are no text."""
    if tensor.array.dtype.kind == "O":
        return texts(tensor.name, tensor.array).tolist()
    return tensor.array


def written(members: Mapping[str, Any]) -> str:
    """The JSON of an object whose values are arrays of numbers, or JSON's own."""
    exact = {name: _exact(value) for name, value in members.items()}
    if all(_is_finite(value) for value in exact.values()):
        try:
            return orjson.dumps(exact, _plain, _OPTIONS).decode()
        except TypeError:  # long integers, lone surrogates: the stdlib writes them
            pass
    return _dumps(exact, default=_plain)


def _exact(value: Any) -> Any:
    """orjson writes a float32 with as few digits as tell it from other float32s."""
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biu":
        return value.astype(np.float64)
    return value


def _is_finite(value: Any) -> bool:
    """Whether no NaN is in an array: orjson makes null of it. JSON's own values have been read from
    JSON, and a NaN among them is found in the text.
    """
    if isinstance(value, np.ndarray):
        return value.dtype.kind != "f" or bool(np.isfinite(value).all())
    return "NaN" not in (text := _dumps(value)) and "Infinity" not in text


def _plain(value: Any) -> Any:
    return value.tolist()
