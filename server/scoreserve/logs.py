"""Log lines in the reference's format, for every process of the server.

`YYYY-mm-dd HH:MM:SS,mmm L [pid] logger - message`, in UTC; `azmlinfsrv*` on stdout, gunicorn's own
lines on stderr. The root logger is left alone: it belongs to the user's script.
"""

from __future__ import annotations

import logging
import sys
import time
from typing import TextIO

from scoreserve.errors import ConfigurationError

FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"


class UtcFormatter(logging.Formatter):
    """logging.Formatter with UTC times."""

    converter = staticmethod(time.gmtime)


def configure(level: str) -> None:
    """Sets up the server's loggers in this process. Raises ConfigurationError: unknown level."""
    number = logging.getLevelName(level.upper())
    if not isinstance(number, int):
        raise ConfigurationError("AZUREML_LOG_LEVEL", f"{level!r} is not a logging level")
    _attach("azmlinfsrv", sys.stdout, number)
    _attach("gunicorn.access", sys.stdout, number)
    _attach("gunicorn.error", sys.stderr, number)
    _attach("uvicorn", sys.stdout, max(number, logging.WARNING))


def _attach(name: str, stream: TextIO, level: int) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(UtcFormatter(FORMAT))
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
