"""scoreserve: the scoring container for Azure ML entry scripts."""

from scoreserve._batched import batched
from scoreserve._stateless import stateless

__all__ = ["batched", "stateless"]
__version__ = "0.1.0"
