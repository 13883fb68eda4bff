"""numpy arrays: rows are what the first dimension counts."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from scoreserve.worker.model.kinds import NotByRows
from scoreserve.worker.model.kinds.equality import OF_LARGEST, RELATIVE
from scoreserve.worker.model.kinds.equality import same as same_values

# Numbers, times and texts. Records and raw bytes are what no model takes.
_PLAIN = frozenset("biufcSUmM")


def key(array: Any) -> Hashable | None:
    """Memory order is no part of it: libraries read both."""
    shape = array.shape
    if not shape or not shape[0]:
        return None  # what a library does with no row it may not do with the rows of others
    dtype = array.dtype
    kind = dtype.kind
    if kind in _PLAIN:
        if kind == "U" and len(shape) == 1:
            return (np.ndarray, "U", ())  # texts, which are as wide as the longest beside them
        return (np.ndarray, dtype, shape[1:])
    return (np.ndarray, types_in(array), shape[1:]) if kind == "O" else None


def types_in(array: Any) -> frozenset[type]:
    """The types of the items of an object array: what they become together may be another type."""
    return frozenset(map(type, array.ravel().tolist()))


def rows(array: Any) -> int:
    if not array.shape:
        raise NotByRows("the result is one number")
    return int(array.shape[0])


def join(arrays: Sequence[Any]) -> Any:
    return np.concatenate(arrays)


def cut(result: Any, counts: Sequence[int]) -> list[Any]:
    """Copies, since a script may write to what it got; each in the memory order of the result."""
    pieces = []
    start = 0
    for count in counts:
        pieces.append(result[start : start + count].copy("K"))
        start += count
    if not result.flags.writeable:
        for piece in pieces:
            piece.flags.writeable = False
    return pieces


def same(cut: Any, alone: Any, *, exact: bool) -> bool:
    if cut.dtype != alone.dtype or cut.shape != alone.shape:
        return False
    kind = cut.dtype.kind
    if kind == "O":
        return _same_objects(cut, alone, exact=exact)
    if cut.tobytes() == alone.tobytes():  # in a tenth of the time of array_equal, for small ones
        return True
    if kind not in "fc" or exact:
        equal = bool(np.array_equal(cut, alone, equal_nan=kind in "fcmM"))
        return equal and (kind != "f" or _same_signs(cut, alone))
    size = cut.dtype.itemsize // (2 if kind == "c" else 1)
    finite = alone[np.isfinite(alone)]
    largest = float(np.abs(finite).max()) if finite.size else 0.0
    tolerance = OF_LARGEST[size] * largest
    return bool(np.allclose(cut, alone, rtol=RELATIVE[size], atol=tolerance, equal_nan=True))


def _same_signs(cut: Any, alone: Any) -> bool:
    """Of zeros, which are equal and written differently."""
    return bool(np.all((np.signbit(cut) == np.signbit(alone)) | np.isnan(alone)))


def _same_objects(cut: Any, alone: Any, *, exact: bool) -> bool:
    pairs = zip(cut.ravel().tolist(), alone.ravel().tolist(), strict=True)
    return all(same_values(mine, theirs, exact=exact) for mine, theirs in pairs)
