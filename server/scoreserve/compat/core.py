"""`azureml.core`, for `from azureml.core import Model`."""

from scoreserve.compat.model import Model

__all__ = ["Model"]
