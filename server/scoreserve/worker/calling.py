"""How run() wants to be called, read once from its signature and decorators.

    undecorated      the first parameter gets the body as a str
    @input_schema    every parameter gets the member of that name of the JSON body
    request_headers  beside either: a dict of the request's headers

Rules and messages are the reference's (azureml-inference-server-http 1.5.1, server/user_script.py).
All arguments are passed by keyword.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scoreserve.errors import BootError
from scoreserve.wire import RequestHead, WireJob
from scoreserve.worker.inputs import InputReader, SchemaInput, TextInput

_log = logging.getLogger("azmlinfsrv.user_script")

_HEADERS_PARAMETER = "request_headers"
_BY_KEYWORD = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Convention:
    """Turns a job into the keyword arguments of run()."""

    reader: InputReader
    wants_headers: bool

    def arguments(self, head: RequestHead, job: WireJob) -> dict[str, Any]:
        """Raises BadInput, UnsupportedInput or MethodRefused for a request run() cannot take."""
        arguments = self.reader.read(head, job.body)
        if self.wants_headers:
            arguments[_HEADERS_PARAMETER] = title_case_headers(head)
        return arguments


def convention_of(run: Callable[..., Any]) -> Convention:
    """Reads run()'s signature. Raises BootError when it cannot be called by keyword."""
    parameters = list(inspect.signature(run).parameters.values())
    if any(parameter.kind not in _BY_KEYWORD for parameter in parameters):
        raise BootError("run() cannot accept positional-only arguments, *args, or **kwargs.")
    inputs = [parameter for parameter in parameters if parameter.name != _HEADERS_PARAMETER]
    wants_headers = len(inputs) < len(parameters)
    if not inputs:
        if wants_headers:
            raise BootError('run() needs to accept an argument other than "request_headers".')
        raise BootError("run() needs to accept an argument for input data.")
    return Convention(_reader(run, inputs), wants_headers)


def title_case_headers(head: RequestHead) -> dict[str, str]:
    """The headers as scripts know them: `X-Ms-Request-Id`, repeated ones joined by a comma."""
    headers: dict[str, str] = {}
    for name, value in head.headers:
        key = name.decode("latin-1").title()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _reader(run: Callable[..., Any], inputs: list[inspect.Parameter]) -> InputReader:
    if _is_schema_decorated(run):
        names = ", ".join(parameter.name for parameter in inputs)
        _log.info(
            "run() is decorated with @input_schema. Server will invoke it with the following"
            " arguments: %s.",
            names,
        )
        return SchemaInput(inputs)
    _log.info("run() is not decorated. Server will invoke it with the input in JSON string.")
    return TextInput(inputs[0].name)


def _is_schema_decorated(run: Callable[..., Any]) -> bool:
    """Whether inference-schema wrapped run(); only a script that imported it can be decorated."""
    schema_util = sys.modules.get("inference_schema.schema_util")
    return schema_util is not None and bool(schema_util.is_schema_decorated(run))
