"""When the rows of a joined result are the result alone.

Labels, texts, whole numbers, dtypes, shapes, names and indexes are equal or not. Floats are, unless
equal bits are asked for, within their last digits: a library that multiplies many rows at once
adds in another order than for one. How far apart is told by the dtype: a relative part that leaves
a few orders of magnitude for cancellation, and a part of the largest value beside it, for those
near zero that are the difference of large ones.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from scoreserve.worker.model import kinds

# Relative, by the size of the float in bytes. A float64 has 16 digits, a float32 7, a float16 3.
RELATIVE = {2: 1e-2, 4: 1e-4, 8: 1e-9, 16: 1e-9}
# Of the largest value beside it: 16 units in the last place.
OF_LARGEST = {2: 16 * 2.0**-10, 4: 16 * 2.0**-23, 8: 16 * 2.0**-52, 16: 16 * 2.0**-52}


def same(cut: Any, alone: Any, *, exact: bool) -> bool:
    """Whether the two are the same answer; floats to the bit if `exact`. NaN equals NaN."""
    cls = type(cut)
    if cls is not type(alone):
        return False
    if cls is float:
        return _same_bits(cut, alone) or (not exact and _close(cut, alone))
    if cls is dict:
        return list(cut) == list(alone) and all(
            same(cut[name], alone[name], exact=exact) for name in cut
        )
    if cls is tuple:
        return len(cut) == len(alone) and all(
            same(mine, theirs, exact=exact) for mine, theirs in zip(cut, alone, strict=True)
        )
    return _same_objects(cut, alone, exact=exact)


def _same_objects(cut: Any, alone: Any, *, exact: bool) -> bool:
    kind = kinds.of(cut)
    if kind is not None:
        return kind.same(cut, alone, exact=exact)
    try:
        return bool(cut == alone)
    except (TypeError, ValueError):  # what cannot be compared is not known to be equal
        return False


def _same_bits(cut: float, alone: float) -> bool:
    if math.isnan(cut) or math.isnan(alone):
        return math.isnan(cut) and math.isnan(alone)
    return cut == alone and math.copysign(1.0, cut) == math.copysign(1.0, alone)


def _close(cut: float, alone: float) -> bool:
    """Python floats; those that came from float32, as in onnxruntime's maps, as such."""
    size = 4 if _is_single(cut) and _is_single(alone) else 8
    return math.isclose(cut, alone, rel_tol=RELATIVE[size], abs_tol=0.0)


def _is_single(value: float) -> bool:
    try:
        return bool(struct.unpack("f", struct.pack("f", value))[0] == value)
    except OverflowError:
        return False
