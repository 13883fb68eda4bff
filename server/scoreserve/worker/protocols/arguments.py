"""Values that a request brings, by name or one alone, as arguments of a run() under @input_schema.

A value is an array (a tensor of V2, an npy body), a DataFrame (Arrow, CSV), or what JSON has. What
a parameter's sample says of it is done here, as inference-schema does it to JSON: inference-schema
itself hands arrays and frames on unseen. Where that fails it is the client's fault, and BadInput
says why, where inference-schema's exceptions would be run()'s.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from scoreserve.errors import BadInput
from scoreserve.worker.protocols.signature import Kind, Parameter
from scoreserve.worker.protocols.tensors import Array, shown
from scoreserve.worker.script.tables import is_frame

_loads: Final = json.loads  # the script may put another in its place
_UNUSABLE = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)


def of_one(parameters: Sequence[Parameter], value: Any) -> dict[str, Any]:
    """The arguments for a value that has no name. Raises BadInput."""
    one = only(parameters)
    return {**_defaults(parameters), one.name: argument(one, value)}


def of_named(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments for values by name. Those that have no parameter of their name are for the one
    parameter that is still to be filled: the only one, its columns, or the members of its object.
    Raises BadInput.
    """
    known = {parameter.name: parameter for parameter in parameters}
    arguments = {
        name: argument(known[name], value) for name, value in values.items() if name in known
    }
    others = {name: value for name, value in values.items() if name not in known}
    open_ones = [each for each in parameters if each.name not in arguments]
    needed = [each for each in open_ones if each.required]
    if others:
        if len(needed) > 1 or not open_ones:
            raise BadInput(_unknown(parameters, others))
        one = (needed or open_ones)[0]
        arguments[one.name] = _of_others(one, others)
        needed = []
    if needed:
        names = ", ".join(shown(each.name) for each in needed)
        raise BadInput(f"There is no input {names}, which run() takes")
    return {**_defaults(parameters), **arguments}


def _defaults(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """inference-schema wants all arguments: without one it would look among those by place."""
    return {each.name: each.default for each in parameters if not each.required}


def only(parameters: Sequence[Parameter]) -> Parameter:
    """The one parameter that a value without a name is for. Raises BadInput."""
    needed = [each for each in parameters if each.required] or list(parameters[:1])
    if len(needed) != 1:
        names = ", ".join(each.name for each in needed)
        raise BadInput(f"run() takes {len(needed)} inputs ({names}), which must be named")
    return needed[0]


def _unknown(parameters: Sequence[Parameter], others: Mapping[str, Any]) -> str:
    names = ", ".join(shown(each.name) for each in parameters)
    return f"There is no input {shown(next(iter(others)))}; run() takes {names}"


def _of_others(parameter: Parameter, others: Mapping[str, Any]) -> Any:
    """The argument that values of other names than the parameter's make."""
    columns = set(map(str, parameter.columns)) if parameter.kind is Kind.FRAME else set()
    if columns and (len(others) > 1 or others.keys() <= columns):
        return argument(parameter, {name: _column(name, each) for name, each in others.items()})
    if len(others) == 1:
        return argument(parameter, next(iter(others.values())))
    if parameter.kind is Kind.VALUE:
        return {name: _plain(value) for name, value in others.items()}
    raise BadInput(_unknown([parameter], others))


def argument(parameter: Parameter, value: Any) -> Any:
    """A value as the argument for this parameter. Raises BadInput."""
    try:
        if parameter.kind is Kind.ARRAY:
            return _array(parameter, value)
        if parameter.kind is Kind.FRAME:
            return _frame(parameter, value)
        return _value(parameter.sample, value)
    except _UNUSABLE as error:
        raise BadInput(f"input {shown(parameter.name)}: {error}") from None


# Arrays.


def _array(parameter: Parameter, value: Any) -> Array:
    sample = parameter.sample
    if not isinstance(value, np.ndarray):
        value = value.to_numpy() if is_frame(value) else _of_json(parameter, value)
    if parameter.enforce_type:
        value = cast(value, sample.dtype, keep_bytes=_has_bytes(sample))
    elif value.dtype.kind == "O":
        value = _decoded(value)
    if parameter.enforce_shape and (
        value.ndim != sample.ndim or value.shape[1:] != sample.shape[1:]
    ):
        wanted = [-1, *sample.shape[1:]] if sample.ndim else []
        raise ValueError(f"it has the shape {list(value.shape)}, and run() takes {wanted}")
    return value


def _of_json(parameter: Parameter, value: Any) -> Array:
    if not isinstance(value, list):
        raise ValueError(f"run() takes an array, not {type(value).__name__}")
    if value and all(isinstance(row, dict) for row in value):  # records, of which numpy has no idea
        value = [[row[name] for name in value[0]] for row in value]
    return np.array(value, dtype=parameter.sample.dtype if parameter.enforce_type else None)


def cast(array: Array, dtype: Any, *, keep_bytes: bool = False) -> Array:
    """The array with this dtype. Raises ValueError where a value would become another one."""
    if array.dtype.kind in "OSU":
        if dtype.kind not in "OSUM":
            raise ValueError(f"it is BYTES, and run() takes {dtype}")
        array = array if keep_bytes else _decoded(array)
    elif dtype.kind in "SUM":
        raise ValueError(f"it is of {array.dtype}, and run() takes texts")
    if array.dtype == dtype:
        return array
    with np.errstate(all="ignore"):
        found = array.astype(dtype)
    if dtype.kind in "iub" and not np.array_equal(found.astype(array.dtype), array):
        raise ValueError(f"it has a value of {array.dtype} that {dtype} cannot hold")
    return found


def _decoded(array: Array) -> Array:
    """Texts instead of bytes."""
    decoded = np.empty(array.size, dtype=object)
    decoded[:] = [item.decode() if isinstance(item, bytes) else item for item in array.flat]
    return decoded.reshape(array.shape)


def _has_bytes(sample: Array) -> bool:
    return sample.dtype.kind == "S" or (
        sample.dtype.kind == "O" and sample.size > 0 and isinstance(sample.flat[0], bytes)
    )


# Frames.


def _column(name: str, value: Any) -> Any:
    """One column of a frame: of n rows, or of n rows of one."""
    if isinstance(value, np.ndarray):
        if value.ndim == 0 or value.size != len(value):
            raise BadInput(
                f"input {shown(name)}: a column has the shape [n] or [n, 1], not"
                f" {list(value.shape)}"
            )
        value = value.reshape(len(value))
        return _decoded_column(name, value) if value.dtype.kind == "O" else value
    return value


def _decoded_column(name: str, value: Array) -> Array:
    try:
        return _decoded(value)
    except UnicodeDecodeError:
        raise BadInput(f"input {shown(name)}: BYTES that are no text in UTF-8") from None


def _frame(parameter: Parameter, value: Any) -> Any:
    pandas = sys.modules["pandas"]
    frame = value if is_frame(value) else _frame_of(parameter, value, pandas)
    named = {str(column): column for column in parameter.columns}
    if parameter.enforce_shape:
        missing = [name for name in named if name not in set(map(str, frame.columns))]
        unknown = [str(name) for name in frame.columns if str(name) not in named]
        if missing:
            raise ValueError(f"it has no column {', '.join(map(shown, missing))}")
        if unknown:
            raise ValueError(f"it has a column {shown(unknown[0])} that run() does not take")
    frame.columns = [named.get(str(column), column) for column in frame.columns]
    if set(frame.columns) == set(named.values()):
        frame = frame[list(named.values())]
    if parameter.enforce_type:
        wanted = parameter.sample.dtypes.to_dict()
        frame = frame.astype(
            {column: wanted[column] for column in frame.columns if column in wanted}
        )
    return frame


def _frame_of(parameter: Parameter, value: Any, pandas: Any) -> Any:
    """A frame of an array, of rows, of records or of columns."""
    if isinstance(value, np.ndarray):
        if value.ndim == 1:
            value = value.reshape(1, -1) if len(parameter.columns) > 1 else value.reshape(-1, 1)
        value = _decoded(value) if value.dtype.kind == "O" else value
        return _of_rows(parameter, value, value.shape[1:], pandas)
    if isinstance(value, Mapping):
        return pandas.DataFrame(dict(value))
    if not isinstance(value, list):
        raise ValueError(f"run() takes a table, not {type(value).__name__}")
    if value and isinstance(value[0], Mapping):
        return pandas.DataFrame(value)
    rows = value if not value or isinstance(value[0], list) else [value]
    return _of_rows(parameter, rows, {len(row) for row in rows}, pandas)


def _of_rows(parameter: Parameter, rows: Any, widths: Any, pandas: Any) -> Any:
    columns = parameter.columns
    if any(width != len(columns) for width in widths) or (
        isinstance(rows, np.ndarray) and rows.ndim != 2
    ):
        raise ValueError(f"a row must have {len(columns)} columns: {', '.join(map(str, columns))}")
    return pandas.DataFrame(rows, columns=columns)


# Values of Python's.


def _plain(value: Any) -> Any:
    """An array or a frame as JSON would have it."""
    if isinstance(value, np.ndarray):
        return _decoded(value).tolist() if value.dtype.kind == "O" else value.tolist()
    return value.to_dict(orient="records") if is_frame(value) else value


def _value(sample: Any, value: Any) -> Any:
    """A value of the sample's type. An array of one element is that element, where the sample is
    no list; a text in the place of an object or of a list is its JSON.
    """
    if isinstance(sample, (bytes, bytearray)) and _is_one(value):
        item = value.flat[0]  # inference-schema decodes base64, as JSON has bytes
        return base64.b64encode(item).decode() if isinstance(item, bytes) else item
    if sample is not None and not isinstance(sample, (list, tuple)) and _is_one(value):
        value = _plain(value.reshape(1))[0]
    else:
        value = _plain(value)
    if isinstance(sample, dict) and isinstance(value, str):
        value = _loads(value)
    return value


def _is_one(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.size == 1
