"""pandas DataFrames.

pd.concat takes 20 µs for a frame of one block and 100 for one of texts and numbers, more than most
models for a row. What it does for frames with the same columns is to put their blocks together: so
does `join`, by the block manager, which pandas does not promise to keep. Where it is another than
we know, or frames of equal columns have them in other blocks, pd.concat does it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from scoreserve.worker.model.kinds import columns, labels


def key(frame: Any) -> Hashable | None:
    rows = labels.key(frame.index)
    names = _key_of_names(frame.columns)
    if rows is None or names is None or not len(frame.index) or frame.attrs:
        return None
    if not frame.flags.allows_duplicate_labels:
        return None
    kinds = _kinds_of_columns(frame)
    return None if kinds is None else (pd.DataFrame, names, kinds, rows)


def rows(frame: Any) -> int:
    return len(frame.index)


def join(frames: Sequence[Any]) -> Any:
    joined = _joined_blocks(frames)
    if joined is None:
        joined = pd.concat(frames, ignore_index=True)
    joined.index = labels.join([frame.index for frame in frames])
    joined.columns = frames[0].columns
    return joined


def cut(result: Any, counts: Sequence[int]) -> list[Any]:
    whole = _one_block(result)
    pieces = []
    start = 0
    for count in counts:
        end = start + count
        index = labels.cut(result.index, start, end)
        if whole is not None:
            names = result.columns.view()  # an index has a name that can be written
            values = whole[:, start:end].copy()
            piece = pd.DataFrame(values.T, index, names, dtype=values.dtype, copy=False)
        else:
            piece = result.iloc[start:end].copy()
            piece.index = index
        pieces.append(piece)
        start = end
    return pieces


def same(cut: Any, alone: Any, *, exact: bool) -> bool:
    return (
        labels.same(cut.columns, alone.columns)
        and labels.same(cut.index, alone.index)
        and list(cut.dtypes) == list(alone.dtypes)
        and all(
            columns.same(cut.iloc[:, place], alone.iloc[:, place], exact=exact)
            for place in range(cut.shape[1])
        )
    )


def _key_of_names(names: Any) -> Hashable | None:
    if type(names) is not pd.Index and type(names) is not pd.RangeIndex:
        return None
    found = tuple(names.tolist())
    kinds = frozenset(map(type, found))
    return (type(names), names.name, found, kinds)


def _kinds_of_columns(frame: Any) -> Hashable | None:
    """The kind of each column, whatever blocks they lie in."""
    blocks = _blocks(frame)
    if blocks is None:
        found = [columns.key(frame.iloc[:, place].array) for place in range(frame.shape[1])]
        return None if None in found else tuple(found)
    if len(blocks) == 1:
        kind = columns.key(blocks[0].values)
        return None if kind is None else (kind,) * frame.shape[1]
    kinds: list[Hashable] = [None] * frame.shape[1]
    for block in blocks:
        kind = columns.key(block.values)
        if kind is None:
            return None
        for place in block.mgr_locs.as_array.tolist():
            kinds[place] = kind
    return tuple(kinds)


def _blocks(frame: Any) -> tuple[Any, ...] | None:
    blocks = getattr(getattr(frame, "_mgr", None), "blocks", None)
    return blocks if isinstance(blocks, tuple) else None


def _layout(blocks: tuple[Any, ...]) -> list[list[int]]:
    return [block.mgr_locs.as_array.tolist() for block in blocks]


def _joined_blocks(frames: Sequence[Any]) -> Any | None:
    """A frame of all rows, still without names; None where it takes pd.concat."""
    of_each = [_blocks(frame) for frame in frames]
    first = of_each[0]
    if not first or not all(columns.can_join(block.values) for block in first):
        return None
    layout = _layout(first)
    blocks: list[tuple[Any, ...]] = []
    for those in of_each:
        if those is None or len(those) != len(first):
            return None
        if len(first) > 1 and _layout(those) != layout:
            return None
        blocks.append(those)
    joined = [
        columns.join([those[number].values for those in blocks]) for number in range(len(first))
    ]
    if len(joined) == 1 and isinstance(joined[0], np.ndarray):
        return pd.DataFrame(joined[0].T, dtype=joined[0].dtype, copy=False)
    found: dict[int, Any] = {}
    for places, values in zip(layout, joined, strict=True):
        if values.ndim == 1:
            found[places[0]] = values
        else:
            found.update(
                (place, _as_they_are(row)) for place, row in zip(places, values, strict=True)
            )
    return pd.DataFrame({place: found[place] for place in sorted(found)})


def _as_they_are(values: Any) -> Any:
    """Texts that were objects remain objects: pandas makes its own kind of them by itself."""
    return pd.Series(values, dtype=object, copy=False) if values.dtype == object else values


def _one_block(frame: Any) -> Any | None:
    """The values of a frame of one numpy dtype, a row a column."""
    blocks = _blocks(frame)
    if blocks is None or len(blocks) != 1 or not isinstance(blocks[0].values, np.ndarray):
        return None
    return blocks[0].values
