"""Percentiles, and how figures are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median


def percentile(ordered: Sequence[float], q: float) -> float:
    """The smallest value that at least q per cent of the ordered values do not exceed."""
    if not ordered:
        raise ValueError("no values")
    return ordered[max(0, math.ceil(q / 100 * len(ordered)) - 1)]


def significant(value: float) -> str:
    """Three significant digits, or all digits before the point; never an exponent."""
    if value == 0:
        return "0"
    decimals = 0
    while decimals < 4 and abs(value) * 10**decimals < 100:
        decimals += 1
    return f"{value:,.{decimals}f}"


def spread(values: Sequence[float], unit: str = "") -> str:
    """`median (min-max)` of the values, the unit after the median; no range where there is none."""
    low, middle, high = map(significant, (min(values), median(values), max(values)))
    return f"{middle}{unit}" if low == high else f"{middle}{unit} ({low}-{high})"
