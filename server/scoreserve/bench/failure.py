"""The one error that whoever measures is told instead of figures."""

from __future__ import annotations

from scoreserve.errors import ScoreserveError


class BenchmarkError(ScoreserveError):
    """What was measured is not worth printing, or could not be measured; the text says why."""
