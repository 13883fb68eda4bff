"""What `@input_schema` makes of JSON, for numpy samples: the array, without a look at each row.

inference-schema walks over all rows to parse dates and durations, and asks the dtype for its name
at each, which takes longer than numpy does. Of plain dtypes (bools, numbers, texts, objects) it
leaves every row as it is. What would be an error is left to it, and so is each parameter's first
array, which ours must equal.
"""

from __future__ import annotations

import functools
import sys
from typing import Any
from weakref import WeakKeyDictionary

_MODULE = "inference_schema.parameter_types.numpy_parameter_type"
_PLAIN = frozenset("biufcOSU")
_NOT_HERE = (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)


def install() -> None:
    """Has numpy samples served so, if the script has imported their type and it is as known."""
    module = sys.modules.get(_MODULE)
    parameter_type = getattr(module, "NumpyParameterType", None)
    if module is None or parameter_type is None:
        return
    original = vars(parameter_type).get("deserialize_input")
    if original is None or getattr(original, "__globals__", None) is not vars(module):
        return  # it is not there, or the script's
    proven: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()

    @functools.wraps(original)
    def deserialize_input(self: Any, input_data: Any) -> Any:
        if type(self) is not parameter_type or type(input_data) is not list:
            return original(self, input_data)
        try:
            ours = _array(self, input_data) if proven.get(self, True) else None
        except _NOT_HERE:
            ours = None
        if ours is not None and self in proven:
            return ours
        theirs = original(self, input_data)
        if ours is not None:
            proven[self] = same(ours, theirs)
        return theirs

    parameter_type.deserialize_input = deserialize_input


def _array(parameter: Any, rows: list[Any]) -> Any:
    """The array of the rows; None: they are left to inference-schema."""
    sample = parameter.sample_input
    dtype = sample.dtype
    if not parameter.enforce_column_type or dtype.kind not in _PLAIN:
        return None
    array = sys.modules["numpy"].array(rows, dtype=dtype)
    fits = array.ndim == sample.ndim and array.shape[1:] == sample.shape[1:]
    return array if fits or not parameter.enforce_shape else None


def same(ours: Any, theirs: Any) -> bool:
    """Whether a script can find no difference between two arrays."""
    return (
        type(ours) is type(theirs)
        and ours.dtype == theirs.dtype
        and ours.shape == theirs.shape
        and ours.strides == theirs.strides
        and repr(ours.tolist()) == repr(theirs.tolist())
    )
