"""Arrays out of JSON, or out of other arrays, with a model's dtype and shape; pure.

What a library would do without a word to values of another type (numbers out of texts, integers cut
off, `3` from `true`) is refused: a client that sends them has made a mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scoreserve.errors import BadInput
from scoreserve.worker.script.model_interface import FREE, TensorSpec

_NUMBERS = frozenset("biuf")
_DTYPES = {
    name: np.dtype(name)
    for name in (
        *("bool", "float16", "float32", "float64"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    )
}


def natural(values: Any, what: str, name: str = "") -> np.ndarray[Any, Any]:
    """The array of nested lists: of bools or numbers where all are such, in which null is NaN, else
    of objects, so that texts and numbers stay what they are. Raises BadInput, with `what` and
    `name` to say of which value.
    """
    if isinstance(values, np.ndarray):
        return values
    try:
        array = np.array(values)
    except ValueError:
        raise BadInput(f"{what}{name} has rows of different lengths.") from None
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError, OverflowError):
            return array
    return array if array.dtype.kind in _NUMBERS else np.array(values, dtype=object)


def tensor(values: Any, spec: TensorSpec) -> np.ndarray[Any, Any]:
    """The array of a model's input. Its first dimension may have any size: that is for the caller
    to look at. Raises BadInput.
    """
    array = natural(values, "The input ", spec.name)
    shape = array.shape
    if len(shape) != len(spec.shape) or shape[1:] != spec.shape[1:]:
        _check_shape(array, spec)
    if spec.dtype == "str":
        return _texts(array, spec)
    return _numbers(array, spec)


def _check_shape(array: np.ndarray[Any, Any], spec: TensorSpec) -> None:
    sizes = array.shape[1:]
    wanted = spec.shape[1:]
    fits = array.ndim == len(spec.shape) and all(
        want in (FREE, size) for size, want in zip(sizes, wanted, strict=True)
    )
    if not fits:
        raise BadInput(
            f"The input {spec.name} should have the shape {shape_text(spec.shape)}, and has"
            f" {shape_text(array.shape)}."
        )


def shape_text(shape: Sequence[int]) -> str:
    """A shape for people: `[?, 4]`."""
    return f"[{', '.join('?' if size == FREE else str(size) for size in shape)}]"


def _texts(array: np.ndarray[Any, Any], spec: TensorSpec) -> np.ndarray[Any, Any]:
    if array.dtype.kind in "SU":
        return array.astype(object)
    for value in array.flat:
        if not isinstance(value, str):
            raise BadInput(f"The input {spec.name} should be of texts, and has {_shown(value)}.")
    return array.astype(object)


def _numbers(array: np.ndarray[Any, Any], spec: TensorSpec) -> np.ndarray[Any, Any]:
    dtype = _DTYPES[spec.dtype]
    if array.dtype == dtype:
        return array
    if not array.size:
        return array.astype(dtype)
    if array.dtype.kind not in _NUMBERS:
        others = (value for value in array.flat if not isinstance(value, (int, float)))
        wrong = next(others, array.flat[0])  # else integers that no float can be
        raise BadInput(f"The input {spec.name} should be of numbers, and has {_shown(wrong)}.")
    if dtype.kind == "f":
        return _floats(array, dtype, spec)
    return _integers(array, dtype, spec)


def _floats(
    array: np.ndarray[Any, Any], dtype: np.dtype[Any], spec: TensorSpec
) -> np.ndarray[Any, Any]:
    """Of any numbers, rounded to the type's digits."""
    try:
        return _rounded(array, dtype)
    except FloatingPointError:
        raise BadInput(
            f"The input {spec.name} should be of type {spec.dtype}, and has a number that is too"
            " large for it."
        ) from None


@np.errstate(over="raise")
def _rounded(array: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    return array.astype(dtype)


def _integers(
    array: np.ndarray[Any, Any], dtype: np.dtype[Any], spec: TensorSpec
) -> np.ndarray[Any, Any]:
    """Of integers or bools, where that changes no value."""
    with np.errstate(invalid="ignore"):
        exact = array.astype(dtype)
    wrong = exact.astype(array.dtype) != array
    if dtype.kind == "u":
        wrong |= array < 0
    elif dtype.kind == "i":
        wrong |= (exact < 0) != (array < 0)
    if wrong.any():
        raise BadInput(
            f"The input {spec.name} should be of type {spec.dtype}, and has"
            f" {_shown(array[wrong].flat[0])}."
        )
    return exact


def _shown(value: Any) -> str:
    plain = value.item() if isinstance(value, np.generic) else value
    shown = repr(plain)
    return shown if len(shown) <= 40 else f"{shown[:40]}..."


def zeros(spec: TensorSpec, rows: int) -> np.ndarray[Any, Any]:
    """An array that fits an input: zeros, or empty texts. Where a dimension is free it is 1."""
    shape = tuple(1 if size == FREE else size for size in spec.shape)
    if spec.shape[:1] == (FREE,):
        shape = (rows, *shape[1:])
    if spec.dtype == "str":
        return np.full(shape, "", dtype=object)
    return np.zeros(shape, dtype=spec.dtype)
