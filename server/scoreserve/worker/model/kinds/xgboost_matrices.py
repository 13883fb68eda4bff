"""What an xgboost.DMatrix is made of, so that the rows of several become one of all.

A DMatrix keeps the values of its rows as CSR, in float32, and leaves missing ones out when it is
made: zeros that were given are among them. Since XGBoost 1.7 it gives them back as they are
(https://xgboost.readthedocs.io/en/stable/python/python_api.html#xgboost.DMatrix.get_data), and of
the same entries in the same order one of all rows is made. What else it has of each row (labels,
weights, margins, groups) and the categories of a frame, which XGBoost keeps from 3.1 on and codes
anew by those of the training, are not joined: `refusal` says so.

Read by the C API (https://xgboost.readthedocs.io/en/stable/c.html), as DMatrix's own methods do:
get_data takes 50 µs for a row, where predict takes 80, and get_float_info up to 27 for each field.

An input only: results are arrays.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Hashable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
from scipy import sparse
from xgboost.core import _LIB, DMatrix, _check_call

from scoreserve.worker.model.kinds import NotByRows

_FLOATS: Final = (b"base_margin", b"label", b"weight", b"label_lower_bound", b"label_upper_bound")
_NO_OPTIONS: Final = b"{}"

_ASKED: Final = ("XGDMatrixGetDataAsCSR", "XGDMatrixGetFloatInfo", "XGDMatrixGetUIntInfo")
CAN_READ: Final = all(hasattr(_LIB, function) for function in _ASKED)
"""Whether this XGBoost gives the values of a DMatrix back, and says what else it has."""


class MatrixRows:
    """The rows of a DMatrix that is not refused."""

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix
        self.count = int(matrix.num_row())

    @cached_property
    def form(self) -> _Form:
        matrix = self.matrix
        names, types, missing = matrix.feature_names, matrix.feature_types, matrix.missing
        return _Form(
            int(matrix.num_col()),
            names and tuple(names),
            types and tuple(types),
            missing if math.isinf(missing) else None,
        )

    def __deepcopy__(self, memo: object) -> MatrixRows:
        return join([self])


class _Form(NamedTuple):
    """What matrices must have in common to be joined."""

    columns: int
    names: tuple[str, ...] | None
    types: tuple[str, ...] | None
    missing: float | None
    """One that is infinite: beside it, and only there, the other infinity may be a value."""


def refusal(matrix: Any) -> str:
    """Why the rows of what Booster.predict is given are joined with none; empty when they are."""
    if type(matrix) is not DMatrix:
        return f"its input is a {type(matrix).__qualname__}"
    length, values = ctypes.c_uint64(), ctypes.c_void_p()
    found, handle = (ctypes.byref(length), ctypes.byref(values)), matrix.handle
    for field in _FLOATS:
        _check_call(_LIB.XGDMatrixGetFloatInfo(handle, field, *found))
        if length.value:
            return f"its DMatrix has {field.decode()}"
    _check_call(_LIB.XGDMatrixGetUIntInfo(handle, b"group_ptr", *found))
    if length.value:
        return "its DMatrix has groups"
    if hasattr(matrix, "get_categories") and not matrix.get_categories().empty():
        return "its DMatrix has the categories of a frame"
    return ""


def key(value: MatrixRows) -> Hashable | None:
    return (MatrixRows, value.form) if value.count else None


def rows(value: MatrixRows) -> int:
    return value.count


def join(values: Sequence[MatrixRows]) -> MatrixRows:
    """Raises NotByRows where data are not in memory."""
    form = values[0].form
    entries = _entries_of(values)
    matrix = DMatrix(
        sparse.csr_matrix(entries, shape=(len(entries[2]) - 1, form.columns)),
        missing=form.missing,
        nthread=values[0].matrix.nthread,
        feature_names=form.names and list(form.names),
        feature_types=form.types and list(form.types),
    )
    return MatrixRows(matrix)


def _entries_of(values: Sequence[MatrixRows]) -> tuple[Any, Any, Any]:
    """The values of all rows, their columns, and where each row begins."""
    counts = [int(value.matrix.num_nonmissing()) for value in values]
    data = np.empty(sum(counts), np.float32)
    columns = np.empty(len(data), np.uint32)
    starts = np.empty(sum([value.count for value in values]) + 1, np.int64)
    at_data, at_columns, at_starts = data.ctypes.data, columns.ctypes.data, starts.ctypes.data
    row = entry = 0
    for value, count in zip(values, counts, strict=True):
        error = _LIB.XGDMatrixGetDataAsCSR(
            value.matrix.handle,
            _NO_OPTIONS,
            ctypes.c_void_p(at_starts + row * starts.itemsize),
            ctypes.c_void_p(at_columns + entry * columns.itemsize),
            ctypes.c_void_p(at_data + entry * data.itemsize),
        )
        if error:
            raise NotByRows("the data of a DMatrix are not in memory")
        end = row + value.count
        starts[row : end + 1] += entry  # a DMatrix counts from its own first
        row, entry = end, entry + count
    return data, columns, starts
