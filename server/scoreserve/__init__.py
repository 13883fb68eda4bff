"""scoreserve: the scoring container for Azure ML entry scripts."""

__version__ = "0.1.0"
