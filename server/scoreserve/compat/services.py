"""`azureml.contrib.services`, for `from azureml.contrib.services import rawhttp`."""

from scoreserve.compat.aml_request import AMLRequest, rawhttp
from scoreserve.compat.aml_response import AMLResponse

__all__ = ["AMLRequest", "AMLResponse", "rawhttp"]
