"""What a worker has to tell of a script that telemetry sends: lines, errors, model data.

They travel as REPORT frames (see `wire`) to the front, which passes them on undecoded to the
telemetry process. Times are seconds since the epoch. `trace_id` and `span_id` are those of the
request's run(), see `tracing`; empty outside of one, as are the ids of the request.
"""

from __future__ import annotations

import marshal
from typing import Final, NamedTuple

WORKER_FULL: Final = "worker_full"  # reason why reports are lost in a worker


class RequestIds(NamedTuple):
    """Which request it is about."""

    request_id: str = ""
    client_request_id: str = ""
    trace_id: str = ""
    span_id: str = ""  # of run()
    parent_id: str = ""  # of the whole request


NO_REQUEST = RequestIds()


class LogLine(NamedTuple):
    """What the script has printed. `level` is that of `logging`."""

    about: RequestIds
    time: float
    level: int
    logger: str
    text: str
    path: str  # of the file, and where in it
    function: str
    line: int


class ScriptError(NamedTuple):
    """What init() or run() has raised. `traceback` is its text."""

    about: RequestIds
    time: float
    type_name: str
    message: str
    traceback: str


class ModelData(NamedTuple):
    """A request's body and what run() made of it, as texts. `models` are names with versions."""

    about: RequestIds
    time: float
    models: tuple[str, ...]
    input: str
    prediction: str


class Lost(NamedTuple):
    """So many reports were more than the worker keeps until it can send them: WORKER_FULL."""

    about: RequestIds
    reports: int


Report = LogLine | ScriptError | ModelData | Lost
_CLASSES: tuple[type[Report], ...] = (LogLine, ScriptError, ModelData, Lost)


def encode(report: Report) -> bytes:
    """A report as bytes. Both ends are of one installation, and so of one Python."""
    about, *fields = report
    # In types that marshal knows: a named tuple is none.
    return marshal.dumps((_CLASSES.index(type(report)), tuple(about), *fields))


def decode(data: bytes) -> Report:
    """The inverse of `encode`. Raises ValueError."""
    try:
        number, about, *fields = marshal.loads(data)  # noqa: S302 - see `encode`
        report: Report = _CLASSES[number](RequestIds(*about), *fields)
    except (EOFError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"the bytes are no report: {error}") from None
    return report
