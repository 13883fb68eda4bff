"""The row labels of frames and series, and how they come back.

Rows that are numbered from 0 are numbered from 0 again in each piece, as each request's own are.
Other labels are joined as they are, and a piece has its own again. A range that begins elsewhere,
levels and frequencies cannot be put together and taken apart, and are joined with none.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import pandas as pd


def key(index: Any) -> Hashable | None:
    cls = type(index)
    if cls is pd.RangeIndex:
        if index.start != 0 or index.step != 1:
            return None
        return (cls, index.name)
    if cls is pd.Index or (cls is pd.DatetimeIndex and index.freq is None):
        kinds = frozenset(map(type, index)) if index.dtype == object else None
        return (cls, index.dtype, index.name, kinds)
    return None


def join(indexes: Sequence[Any]) -> Any:
    first = indexes[0]
    if type(first) is pd.RangeIndex:
        return pd.RangeIndex(sum(map(len, indexes)), name=first.name)
    return first.append(list(indexes[1:]))


def cut(index: Any, start: int, end: int) -> Any:
    """The labels of the rows from `start` to `end` of a joined result."""
    if type(index) is pd.RangeIndex and index.start == 0 and index.step == 1:
        return pd.RangeIndex(end - start, name=index.name)
    return index[start:end]


def same(cut: Any, alone: Any) -> bool:
    return (
        type(cut) is type(alone)
        and cut.dtype == alone.dtype
        and list(cut.names) == list(alone.names)
        and bool(cut.equals(alone))
    )
