"""Log lines in the reference's format, for every process of the server.

`YYYY-mm-dd HH:MM:SS,mmm L [pid] logger - message`, in UTC; `azmlinfsrv*` on stdout, gunicorn's own
lines on stderr. A logging.json in AML_APP_ROOT or beside the script replaces this. The root logger
is left alone: it belongs to the user's script.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import Any, TextIO

from scoreserve.errors import ConfigurationError
from scoreserve.settings import Settings

FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"

_log = logging.getLogger("azmlinfsrv")

# Classes that a logging.json written for the reference names, and ours for them.
_CLASSES = {
    "azureml_inference_server_http.log_config.AMLLogFormatter": "scoreserve.logs.UtcFormatter",
    "azureml_inference_server_http.log_config.RootAccessFilter": "scoreserve.logs.ProbeFilter",
}


class UtcFormatter(logging.Formatter):
    """logging.Formatter with UTC times, and our format unless another is asked for."""

    converter = staticmethod(time.gmtime)

    def __init__(self, fmt: str = FORMAT, datefmt: str | None = None, style: Any = "%") -> None:
        super().__init__(fmt, datefmt, style)


class ProbeFilter(logging.Filter):
    """Leaves out the access lines of the health probe."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "GET / HTTP/1.1" not in record.getMessage()


def configure_default(level: str = "INFO") -> None:
    """Sets up the server's loggers. Raises ConfigurationError: unknown level."""
    number = logging.getLevelName(level.upper())
    if not isinstance(number, int):
        raise ConfigurationError("AZUREML_LOG_LEVEL", f"{level!r} is not a logging level")
    _attach("azmlinfsrv", sys.stdout, number)
    _attach("gunicorn.access", sys.stdout, number)
    _attach("gunicorn.error", sys.stderr, number)
    _attach("uvicorn", sys.stdout, max(number, logging.WARNING))


def configure(settings: Settings) -> bool:
    """Sets up the server's loggers in this process, from the user's logging.json if there is one.

    Returns whether there is. Raises ConfigurationError: unknown level, or a file that cannot be
    used.
    """
    configure_default(settings.log_level)
    directories = [settings.app_root]
    if settings.script_path is not None:
        directories.append(os.path.dirname(os.path.realpath(settings.script_path)))
    for directory in directories:
        path = os.path.join(directory, "logging.json")
        if os.path.isfile(path):
            _configure_from(path)
            _log.info("Loaded logging config from %s", path)
            return True
    return False


def _configure_from(path: str) -> None:
    from logging.config import dictConfig

    try:
        with open(path, encoding="utf-8") as file:
            dictConfig(_with_our_classes(json.load(file)))
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise ConfigurationError(path, f"cannot be used: {error}") from None


def _with_our_classes(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_our_classes(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_our_classes(inner) for inner in value]
    return _CLASSES.get(value, value) if isinstance(value, str) else value


def _attach(name: str, stream: TextIO, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(UtcFormatter())
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
