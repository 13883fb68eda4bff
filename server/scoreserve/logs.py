"""Log lines in the reference's format or as JSON, for every process of the server.

    text   YYYY-mm-dd HH:MM:SS,mmm L [pid] logger - message                               in UTC
    json   {"time": ..., "level": ..., "logger": ..., "message": ..., "pid": ..., "role": ...}
           and request_id, trace_id and span_id where there are any

On a terminal, text lines have colours (SCORESERVE_LOG_COLOR, NO_COLOR).
`azmlinfsrv*` on stdout, gunicorn's own lines on stderr. A logging.json in AML_APP_ROOT or beside
the script replaces this. The root logger is left alone: it belongs to the user's script.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, TextIO

from scoreserve import heads, otel_environment
from scoreserve.errors import ConfigurationError
from scoreserve.settings import Settings

FORMAT = "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s"

# SGR sequences of ECMA-48, which terminals take for the look of what follows.
PLAIN, DIM, RED = "\x1b[0m", "\x1b[2m", "\x1b[1;31m"
_YELLOW, _GREEN = "\x1b[33m", "\x1b[32m"
_OF_LEVEL = {
    logging.DEBUG: DIM,
    logging.INFO: _GREEN,
    logging.WARNING: _YELLOW,
    logging.ERROR: RED,
    logging.CRITICAL: RED,
}

# The requests that are being scored: several, where they are merged. Of each the encoded head (see
# `wire`) and the number of its job.
Scored = tuple[bytes, int]
scored_requests: ContextVar[Sequence[Scored]] = ContextVar("scored_requests", default=())

_log = logging.getLogger("azmlinfsrv")
_dumps = json.dumps  # the stdlib's own: the script may put another in its place

# Classes that a logging.json written for the reference names, and ours for them.
_CLASSES = {
    "azureml_inference_server_http.log_config.AMLLogFormatter": "scoreserve.logs.UtcFormatter",
    "azureml_inference_server_http.log_config.RootAccessFilter": "scoreserve.logs.ProbeFilter",
}


def request_id() -> str:
    """The x-request-id of the request that is being scored; of all, where they are merged. Known
    samples have none.
    """
    ids = [heads.request_id_of(head) for head, _ in scored_requests.get()]
    return b",".join(filter(None, ids)).decode("latin-1")


def request_text(request_id: bytes) -> str:
    """How the text of a line names the request with that x-request-id."""
    text = request_id.decode("ascii", "backslashreplace")  # terminals obey some bytes past ASCII
    return f"request {text}" if text else "a request without an id"


class UtcFormatter(logging.Formatter):
    """logging.Formatter with UTC times, and our format unless another is asked for."""

    converter = staticmethod(time.gmtime)

    def __init__(self, fmt: str = FORMAT, datefmt: str | None = None, style: Any = "%") -> None:
        super().__init__(fmt, datefmt, style)


class ColorFormatter(UtcFormatter):
    """Our format for a terminal: the letter of the level has a colour, and what is the same in
    every line is dim.
    """

    def __init__(self) -> None:
        super().__init__()
        self._of_level = {level: UtcFormatter(color_format(level)) for level in _OF_LEVEL}

    def format(self, record: logging.LogRecord) -> str:
        formatter = self._of_level.get(record.levelno)
        return super().format(record) if formatter is None else formatter.format(record)


def color_format(level: int) -> str:
    """FORMAT for a line of this level on a terminal."""
    return (
        f"{DIM}%(asctime)s{PLAIN} {_OF_LEVEL[level]}%(levelname).1s{PLAIN}"
        f" {DIM}[%(process)d] %(name)s -{PLAIN} %(message)s"
    )


def wants_color(stream: TextIO, asked: str = "auto") -> bool:
    """Whether what is written to the stream may have colour: SCORESERVE_LOG_COLOR as it is `asked`,
    and for `auto` what https://no-color.org and terminals that have none ask for.
    """
    if asked != "auto":
        return asked == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


class JsonFormatter(logging.Formatter):
    """One JSON object a line: `request_id` where there is one, `exception` for a traceback.

    A record made with `extra={"request_id": ...}` is about that request, any other about the one
    that is being scored. `role` is what this process is: arbiter, front or worker. `wanted` is
    whether there is a use for `scored_requests`: any such formatter, or Application Insights.
    `traced`: OpenTelemetry records traces, so that a line about a run() has the ids of its span.
    """

    role = "arbiter"
    wanted = False
    traced = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        JsonFormatter.wanted = True

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": rfc3339(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
            "role": self.role,
        }
        about = getattr(record, "request_id", None) or request_id()
        if about:
            line["request_id"] = about
        if self.traced and about and (scored := scored_requests.get()):
            from scoreserve import tracing

            requests = [tracing.scored_request(head, job_id) for head, job_id in scored]
            line["trace_id"], line["span_id"] = tracing.run_ids(requests)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return _dumps(line)


class ProbeFilter(logging.Filter):
    """Leaves out the access lines of the health probe."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "GET / HTTP/1.1" not in record.getMessage()


def rfc3339(seconds: float) -> str:
    """A time since the epoch, in UTC: `2026-11-20T19:12:08.123Z`."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"


def configure_default(
    level: str = "INFO", log_format: str = "text", log_color: str = "never"
) -> None:
    """Sets up the server's loggers. Raises ConfigurationError: unknown level."""
    number = logging.getLevelName(level.upper())
    if not isinstance(number, int):
        raise ConfigurationError("AZUREML_LOG_LEVEL", f"{level!r} is not a logging level")
    json_lines = JsonFormatter() if log_format == "json" else None

    def attach(name: str, stream: TextIO, level: int) -> None:
        text_lines = ColorFormatter() if wants_color(stream, log_color) else UtcFormatter()
        _attach(name, stream, level, json_lines or text_lines)

    attach("azmlinfsrv", sys.stdout, number)
    attach("gunicorn.access", sys.stdout, number)
    attach("gunicorn.error", sys.stderr, number)
    attach("uvicorn", sys.stdout, max(number, logging.WARNING))
    if json_lines is not None:
        attach("py.warnings", sys.stderr, logging.WARNING)
        logging.captureWarnings(True)
        # What loggers of the script say for which it has set up nothing.
        if logging.lastResort is not None:
            logging.lastResort.setFormatter(json_lines)


def basic_config_in_json() -> None:
    """Has `logging.basicConfig` make handlers that write JSON, a format of the script's own or not.

    `logging.info(...)` and its like call it too, in a script that has set up nothing.
    """
    make = logging.basicConfig

    @functools.wraps(make)
    def basic_config(**options: Any) -> None:
        before = set(logging.root.handlers)
        make(**options)
        if not options.keys() & {"filename", "handlers"}:
            for handler in set(logging.root.handlers) - before:
                handler.setFormatter(JsonFormatter())

    logging.basicConfig = basic_config


def configure(settings: Settings) -> bool:
    """Sets up the server's loggers in this process, from the user's logging.json if there is one.

    Returns whether there is. Raises ConfigurationError: unknown level, or a file that cannot be
    used.
    """
    configure_default(settings.log_level, settings.log_format, settings.log_color)
    JsonFormatter.traced = otel_environment.exports(otel_environment.TRACES, os.environ)
    directories = [settings.app_root]
    if settings.script_path is not None:
        # As it is named, and where that leads to now.
        directories.append(os.path.dirname(os.path.abspath(settings.script_path)))
        directories.append(os.path.dirname(os.path.realpath(settings.script_path)))
    for directory in directories:
        path = os.path.join(directory, "logging.json")
        if os.path.isfile(path):
            _configure_from(path)
            _log.info("Loaded logging config from %s", path)
            return True
    return False


def keep_enabled() -> None:
    """Keeps what logging.config does by default, in a script, from switching off our loggers."""
    for name, logger in logging.root.manager.loggerDict.items():
        ours = name.partition(".")[0] in {"azmlinfsrv", "gunicorn", "uvicorn"}
        if ours and type(logger) is logging.Logger:
            logger.__class__ = _ServerLogger


class _ServerLogger(logging.Logger):
    """A logger of ours. `dictConfig` and `fileConfig` disable all that they are not told of, unless
    they are told otherwise: no traceback would reach the log any more.
    """

    @property
    def disabled(self) -> bool:
        return bool(self.__dict__["disabled"])

    @disabled.setter
    def disabled(self, value: bool) -> None:
        caller = sys._getframe(1).f_globals.get("__name__")  # noqa: SLF001 - no other way
        if caller != "logging.config":
            self.__dict__["disabled"] = value


def _configure_from(path: str) -> None:
    from logging.config import dictConfig

    try:
        with open(path, "rb") as file:  # any form of Unicode, with a byte order mark or without
            dictConfig(_with_our_classes(json.load(file)))
    except (OSError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise ConfigurationError(path, f"cannot be used: {error}") from None


def _with_our_classes(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_our_classes(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_our_classes(inner) for inner in value]
    return _CLASSES.get(value, value) if isinstance(value, str) else value


def _attach(name: str, stream: TextIO, level: int, formatter: logging.Formatter) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
