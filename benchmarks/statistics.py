"""Small statistics over readings."""

from __future__ import annotations

from collections.abc import Sequence


def ratios(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """Round by round: within a round the two were measured seconds apart."""
    return [one / other for one, other in zip(ones, others, strict=True)]
