"""Known samples of the script's input: to try batching with before there are requests, and to show
on the page at /docs.

From @input_schema's sample values, or from a file that Azure ML's tutorials and its designer put
beside the model, or beside the script: `sample_request.json`, `_samples.json`. Each holds the body
of one request.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, Final

import orjson

from scoreserve.model_files import model_folder
from scoreserve.settings import Settings

_FILES = ("sample_request.json", "_samples.json")
_MOST_SHOWN_BYTES: Final = 1 << 16  # a browser takes seconds to lay out much more

_log = logging.getLogger("azmlinfsrv")


def sample_arguments(
    run: Callable[..., Any], text_parameter: str | None, settings: Settings
) -> dict[str, Any] | None:
    """The arguments of run() that the sample makes, or None where none is known.

    `text_parameter` is the parameter that gets a body's text; None: run() is under @input_schema.
    """
    if text_parameter is None:
        return _of_schema(run)
    text = _of_file(model_folder(settings))
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


def sample_bodies(settings: Settings) -> dict[str, Any]:
    """The sample requests to show to people, as JSON values by the names of their files. One beside
    the model goes before one of the same name beside the script.
    """
    script_folder = os.path.dirname(settings.script_path or "") or settings.app_root
    beside = [model_folder(settings), script_folder]
    found: dict[str, Any] = {}
    for directory in beside:
        for name in _FILES if directory else ():
            if name not in found:
                _read_into(found, name, os.path.join(directory or "", name))
    return found


def _read_into(found: dict[str, Any], name: str, path: str) -> None:
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST_SHOWN_BYTES + 1)
    except OSError:
        return
    if len(text) > _MOST_SHOWN_BYTES:
        _log.info("%s is over %d bytes, too large for /docs to show", path, _MOST_SHOWN_BYTES)
        return
    try:
        found[name] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        _log.warning("%s is not JSON, so /docs does not show it: %s", path, error)
