"""scoreserve: the scoring container for Azure ML entry scripts."""

from scoreserve._batched import batched

__all__ = ["batched"]
__version__ = "0.1.0"
