"""A known sample of the script's input, to try batching with before there are requests.

From @input_schema's sample values, or from a file that Azure ML's tutorials and its designer put
beside the model: `sample_request.json`, `_samples.json`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from scoreserve.settings import Settings

_FILES = ("sample_request.json", "_samples.json")


def sample_arguments(
    run: Callable[..., Any], text_parameter: str | None, settings: Settings
) -> dict[str, Any] | None:
    """The arguments of run() that the sample makes, or None where none is known.

    `text_parameter` is the parameter that gets a body's text; None: run() is under @input_schema.
    """
    if text_parameter is None:
        return _of_schema(run)
    text = _of_file(settings.model_dir)
    return None if text is None else {text_parameter: text}


def _of_schema(run: Callable[..., Any]) -> dict[str, Any] | None:
    schema_util = sys.modules.get("inference_schema.schema_util")
    if schema_util is None:
        return None
    try:
        example = schema_util.get_input_schema(run)["example"]
    except Exception:  # the code of the schemas' types
        return None
    return example if isinstance(example, dict) else None


def _of_file(model_dir: str | None) -> str | None:
    for name in _FILES if model_dir else ():
        try:
            with open(os.path.join(model_dir or "", name), encoding="utf-8") as file:
                return file.read()
        except (OSError, UnicodeDecodeError):
            continue
    return None
