"""The one error a benchmark reports to its user instead of figures."""


class BenchmarkError(Exception):
    """What was measured is not worth printing, or could not be measured; the text says why."""
