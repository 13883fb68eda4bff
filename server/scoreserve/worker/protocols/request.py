"""A request of another protocol than /score's: its arguments, its answer, the words of its errors.

    ProtocolRequest    what all have in common
    ├── RawRequest     for a run() that takes and answers HTTP itself (@rawhttp)
    └── V2Request, V1Request, MlflowRequest, FormatRequest

One is made for each request, and knows of it what the answer depends on.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from scoreserve import heads, logs, wire
from scoreserve.errors import InternalError, ReplyError, ResultUnusable, ScriptAnswered
from scoreserve.heads import RequestHead
from scoreserve.protocols import Model, error_body
from scoreserve.wire import Buffer, Outcome
from scoreserve.worker.protocols.bodies.inflate import refuse_compressed
from scoreserve.worker.protocols.inputs import Arguments, Inputs
from scoreserve.worker.script import json_text, results
from scoreserve.worker.script.inputs import InputReader
from scoreserve.worker.script.responses import StreamedOutcome

_log = logging.getLogger("azmlinfsrv")

_loads: Final = json.loads  # the script may put another in its place
_ANSWERED: Final = b"x-ms-run-function-failed: False\r\n"
_JSON: Final = b"application/json"
_MESSAGES: Final = ("message", "error", "detail")  # members that say what is wrong, in AMLResponses


@dataclass(frozen=True)
class Service:
    """What the requests of one worker share. `inputs` None: run() is @rawhttp."""

    reader: InputReader
    inputs: Inputs
    model: Model
    strict_json: bool = False


class ProtocolRequest:
    """A request of `protocol`. Subclasses read its body, and write its result."""

    protocol: str

    def __init__(self, service: Service) -> None:
        self.service = service

    def read(self, head: bytes, body: Buffer) -> Arguments:
        """The arguments of run(). `head` is the request's, encoded. Raises BadInput, or
        UnsupportedInput.
        """
        decoded = heads.decode_head(head)
        refuse_compressed(decoded)
        try:
            return self.arguments(decoded, body)
        except (ReplyError, MemoryError):
            raise
        except Exception as error:  # a fault of ours, or of a library that was given any bytes
            request = logs.request_text(decoded.request_id)
            _log.exception("The body could not be read, %s", request)
            raise InternalError().with_cause(error) from error

    def arguments(self, head: RequestHead, body: Buffer) -> Arguments:
        """What `read` says, of a body that is not compressed."""
        raise NotImplementedError

    def written(self, value: Any) -> tuple[bytes, bytes]:
        """The body that the result of run() makes, and header lines that describe it. Raises
        BadInput for what the client should not have asked for.
        """
        raise NotImplementedError

    def result(
        self, job_id: int, value: Any, head: bytes, seconds: float
    ) -> Outcome | StreamedOutcome:
        """The outcome of a run() that returned `value`. Raises ReplyError."""
        with _usable():
            body, lines = self.written(value_of(value))
        return Outcome(job_id, 200, lines + _ANSWERED, body, seconds, wire.RAN)

    def reword(self, outcome: Outcome) -> None:
        """Puts an outcome that is an error, in the words of /score, into those of the protocol."""
        told = _loads(outcome.body)
        body = error_body(self.protocol, outcome.status, told.pop("message"))
        if told:  # a traceback, for those who develop a script
            body = json_text.dumps({**_loads(body), **told})
        outcome.body = body


class RawRequest(ProtocolRequest):
    """A request to a run() under @rawhttp, which gets it and answers it untouched."""

    def __init__(self, service: Service, protocol: str) -> None:
        super().__init__(service)
        self.protocol = protocol

    def read(self, head: bytes, body: Buffer) -> Arguments:
        return self.service.reader.read(head, body)

    def result(
        self, job_id: int, value: Any, head: bytes, seconds: float
    ) -> Outcome | StreamedOutcome:
        return results.result(job_id, value, head, seconds, strict_json=self.service.strict_json)


def content_type(value: bytes = _JSON) -> bytes:
    """The header line that says so."""
    return b"content-type: %b\r\n" % value


@contextmanager
def _usable() -> Iterator[None]:
    """What the values' own methods raise makes the result unusable: it is user code."""
    try:
        yield
    except ReplyError:
        raise
    except BaseException as error:
        raise ResultUnusable().with_cause(error) from error


def value_of(value: Any) -> Any:
    """A result, or what is in it where it is a response: its JSON, its text or its bytes. Raises
    ScriptAnswered for a response that is an error.
    """
    if isinstance(value, Generator):
        value.close()
        raise ResultUnusable("run() streams its answer, for which only /score has a form")
    flask = sys.modules.get("flask")
    if flask is None or not isinstance(value, flask.Response):
        return value
    content: bytes = value.get_data()
    value.close()
    if not 200 <= value.status_code < 300:
        raise ScriptAnswered(value.status_code, _message_in(content))
    try:
        return _loads(content)
    except (ValueError, RecursionError):
        pass
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content


def _message_in(content: bytes) -> str:
    """What a response says is wrong."""
    text = content.decode("utf-8", "replace")
    try:
        told = _loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(told, dict):
        for name in _MESSAGES:
            if isinstance(told.get(name), str):
                return str(told[name])
    return told if isinstance(told, str) else text
