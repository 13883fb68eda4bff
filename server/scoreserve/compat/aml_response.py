"""AMLResponse, for scripts that answer with a status, headers or body of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Response


class AMLResponse(Response):
    """A flask response with the reference's arguments.

    `message` is the body: str or bytes as they are, an iterable of them streamed, None as `{}`;
    with `json_str`, its JSON, by the json.dumps of the moment, which may be the script's own.

    A comma in a header's value splits it into repeated headers, and so does a list of values. A
    value that is no str is sent as its text; None is not sent.
    """

    def __init__(
        self,
        message: Any,
        status_code: int,
        response_headers: Mapping[str, Any] = {},
        json_str: bool = False,
        run_function_failed: bool = False,
    ) -> None:
        if message is None or json_str:
            text = json.dumps({} if message is None else message)
            super().__init__(text, status=status_code, mimetype="application/json")
        else:
            super().__init__(message, status=status_code)
            if "Content-Type" in response_headers:
                self.headers.remove("Content-Type")
        self.headers["x-ms-run-function-failed"] = str(run_function_failed)
        for name, value in response_headers.items():
            for text in _texts(value):
                self.headers.add(name, text)


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)):
        return [_text(item) for item in value]
    return [part.strip() for part in _text(value).split(",")]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


# Pickles and logs name the class by the module that scripts import it from.
AMLResponse.__module__ = "azureml_inference_server_http.api.aml_response"
