"""pandas Series, such as a column of texts for a vectoriser."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scoreserve.worker.model.kinds import columns, labels


def key(series: Any) -> Hashable | None:
    rows = labels.key(series.index)
    if rows is None or not len(series) or series.attrs:
        return None
    values = columns.key(series.array if not isinstance(series.dtype, np.dtype) else series.values)
    return None if values is None else (pd.Series, series.name, values, rows)


def rows(series: Any) -> int:
    return len(series)


def join(all_series: Sequence[Any]) -> Any:
    first = all_series[0]
    index = labels.join([series.index for series in all_series])
    if isinstance(first.dtype, np.dtype):
        values = columns.join([series.to_numpy() for series in all_series])
    else:
        values = columns.join([series.array for series in all_series])
    return pd.Series(values, index=index, name=first.name, dtype=first.dtype, copy=False)


def cut(result: Any, counts: Sequence[int]) -> list[Any]:
    pieces = []
    start = 0
    for count in counts:
        end = start + count
        piece = result.iloc[start:end].copy()
        piece.index = labels.cut(result.index, start, end)
        pieces.append(piece)
        start = end
    return pieces


def same(cut: Any, alone: Any, *, exact: bool) -> bool:
    return (
        cut.dtype == alone.dtype
        and type(cut.name) is type(alone.name)
        and cut.name == alone.name
        and labels.same(cut.index, alone.index)
        and columns.same(cut, alone, exact=exact)
    )
