"""The values of a frame's columns and of a series: numpy's arrays and pandas's own.

What a column of pandas's own kind becomes beside others is pandas's affair, except for categories:
two of different categories become objects, so they must be the same, in the same order.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scoreserve.worker.model.kinds import arrays


def key(values: Any) -> Hashable | None:
    """What columns, or blocks of them, must have in common."""
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        # Objects are what they are: a column of texts and None is another than one of texts.
        return arrays.types_in(values) if dtype.kind == "O" else dtype
    if type(dtype) is pd.CategoricalDtype:
        categories = dtype.categories
        return ("category", categories.dtype, tuple(categories.tolist()), dtype.ordered)
    if isinstance(dtype, (pd.SparseDtype, pd.IntervalDtype)):
        return None
    return dtype  # type: ignore[no-any-return]


def can_join(values: Any) -> bool:
    """Whether `join` knows it: all but times in blocks."""
    return isinstance(values, (np.ndarray, pd.Categorical)) or (
        isinstance(values, pd.api.extensions.ExtensionArray) and values.ndim == 1
    )


def join(columns: Sequence[Any]) -> Any:
    """Arrays of the same key; of blocks the rows are the second dimension."""
    first = columns[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(columns, axis=-1)
    if isinstance(first, pd.Categorical):
        codes = np.concatenate([column.codes for column in columns])
        return pd.Categorical.from_codes(codes, dtype=first.dtype)
    return type(first)._concat_same_type(columns)  # noqa: SLF001 -- made for those who join


def same(cut: Any, alone: Any, *, exact: bool) -> bool:
    """Series of equal dtype."""
    if isinstance(cut.dtype, np.dtype):
        return arrays.same(cut.to_numpy(), alone.to_numpy(), exact=exact)
    if isinstance(cut.dtype, pd.CategoricalDtype) and list(cut.cat.categories) != list(
        alone.cat.categories
    ):
        return False
    return bool(cut.array.equals(alone.array))
