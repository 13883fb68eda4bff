"""`@rawhttp` and AMLRequest, for scripts that want the HTTP request itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Request

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Decorating any function anywhere makes run() raw: the flag is the process's, as in the reference.
_requested = False


def rawhttp(func: _Function) -> _Function:
    """Asks for run() to be called with the flask request. Returns the function unchanged."""
    global _requested  # noqa: PLW0603 - the contract is a flag of the process
    _requested = True
    return func


def requested() -> bool:
    """Whether a script used `@rawhttp` in this process."""
    return _requested


class AMLRequest(Request):
    """A name for annotations: what run() gets is flask's own request, never one of these."""


# Pickles and logs name the class by the module that scripts import it from.
AMLRequest.__module__ = "azureml_inference_server_http.api.aml_request"
