"""How run() wants to be called, read once from its signature and decorators.

    undecorated      the first parameter gets the body as a str
    @input_schema    every parameter gets the member of that name of the JSON body
    @rawhttp         the first parameter gets flask's request
    request_headers  beside any: a dict of the request's headers

Rules and messages are the reference's (azureml-inference-server-http 1.5.1, server/user_script.py).
All arguments are passed by keyword.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from scoreserve import heads
from scoreserve.errors import BootError
from scoreserve.wire import Buffer, Outcome, WireJob
from scoreserve.worker.script.inputs import InputReader, RawInput, SchemaInput, TextInput
from scoreserve.worker.script.responses import StreamedOutcome

_log = logging.getLogger("azmlinfsrv.user_script")

REQUEST_HEADERS = "request_headers"
_modules: Final = sys.modules
# A longer body is gone once run() has its members, unless flask is there by then.
_KEPT_BYTES: Final = 1 << 20
_BY_KEYWORD = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class ForeignRequest(Protocol):
    """A request of another protocol than /score's, see `worker.protocols`."""

    def read(self, head: bytes, body: Buffer) -> dict[str, Any]: ...

    def result(
        self, job_id: int, value: Any, head: bytes, seconds: float
    ) -> Outcome | StreamedOutcome: ...

    def reword(self, outcome: Outcome) -> None: ...


@dataclass(init=False)
class Call:
    """A job whose input is read: what run() is called with.

    `head` is the encoded request head, which few calls need again. `context` is the flask context
    to call it in, where the script has a use for one. `body` is what is kept for one that turns out
    to be needed later; None: it has one, or it is a call for several requests. `foreign` answers in
    the words of another protocol.
    """

    job_id: int
    head: bytes
    arguments: dict[str, Any]
    context: AbstractContextManager[Any] | None
    body_bytes: int
    body: bytes | None = field(init=False)  # so that `replace` leaves it out
    foreign: ForeignRequest | None = field(init=False)

    def __init__(
        self,
        job_id: int,
        head: bytes,
        arguments: dict[str, Any],
        context: AbstractContextManager[Any] | None,
        body_bytes: int,
    ) -> None:
        self.job_id = job_id
        self.head = head
        self.arguments = arguments
        self.context = context
        self.body_bytes = body_bytes
        self.body = None
        self.foreign = None


@dataclass
class Convention:
    """Turns a job into a call of run(). `raw`: run() gets flask's request.

    `awaited`: run() is a coroutine function or an async generator function. `inflate` gives a job
    with its body as it was before it was compressed, if any is.
    """

    reader: InputReader
    wants_headers: bool
    raw: bool
    awaited: bool = False
    mergeable: bool = False  # requests differ in nothing but the values of their arguments
    inflate: Callable[[WireJob], WireJob] | None = None

    def described(self) -> str:
        """What run() gets, for people."""
        if self.raw:
            what = "flask's request"
        elif isinstance(self.reader, TextInput):
            what = f"the body as text, in `{self.reader.parameter}`"
        else:
            what = "the members of the JSON body"
        return f"gets {what}{', and the headers' if self.wants_headers else ''}"

    @property
    def text_parameter(self) -> str | None:
        """The parameter that gets the body's text; None: they get the members of its JSON."""
        return self.reader.parameter if isinstance(self.reader, TextInput) else None

    def call(self, job: WireJob, foreign: ForeignRequest | None = None) -> Call:
        """Raises BadInput, BodyTooLarge, UnsupportedInput or MethodRefused for a request run()
        cannot take.
        """
        if self.inflate is not None:
            job = self.inflate(job)
        if foreign is None:
            arguments = self.reader.read(job.head, job.body)
        else:
            arguments = foreign.read(job.head, job.body)
        if self.wants_headers:
            headers = heads.decode_head(job.head).merged_headers()
            arguments[REQUEST_HEADERS] = {name.title(): headers[name] for name in headers}
        # The script may look at flask.request once anything in this process has imported flask.
        needs_context = self.raw or "flask" in _modules
        context = _flask_context(job.head, job.body) if needs_context else None
        call = Call(job.id, job.head, arguments, context, len(job.body))
        call.foreign = foreign
        if not needs_context:
            in_arguments = foreign is None and isinstance(self.reader, TextInput)
            too_long = call.body_bytes > _KEPT_BYTES
            call.body = b"" if in_arguments or too_long else bytes(job.body)
        return call

    def late_context(self, call: Call) -> AbstractContextManager[Any] | None:
        """The flask context of a call that was read before flask was imported; None if it is not
        that of one request.
        """
        body = call.body
        if body is None:
            return None
        plain_post = call.foreign is None and call.head.startswith(heads.POST)
        if plain_post and isinstance(self.reader, TextInput):
            body = call.arguments[self.reader.parameter].encode()
        return _flask_context(call.head, body)


def _flask_context(head: bytes, body: Buffer) -> AbstractContextManager[Any]:
    from scoreserve.worker.script import flask_requests

    return flask_requests.request_context(heads.decode_head(head), body)


def convention_of(run: Callable[..., Any]) -> Convention:
    """Reads run()'s signature. Raises BootError when it cannot be called by keyword."""
    parameters = list(inspect.signature(run).parameters.values())
    if any(parameter.kind not in _BY_KEYWORD for parameter in parameters):
        raise _refused(run, "run() cannot accept positional-only arguments, *args, or **kwargs.")
    inputs = [parameter for parameter in parameters if parameter.name != REQUEST_HEADERS]
    wants_headers = len(inputs) < len(parameters)
    if not inputs:
        if wants_headers:
            raise _refused(run, 'run() needs to accept an argument other than "request_headers".')
        raise _refused(run, "run() needs to accept an argument for input data.")
    reader = _reader(run, inputs)
    raw = isinstance(reader, RawInput)
    awaited = inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run)
    plain = not (raw or wants_headers or awaited or inspect.isgeneratorfunction(run))
    return Convention(reader, wants_headers, raw, awaited=awaited, mergeable=plain)


def _refused(run: Callable[..., Any], message: str) -> BootError:
    """The error of a run() that cannot be called, with the line where it is defined."""
    from scoreserve.worker.script.user_frames import Place

    code = getattr(inspect.unwrap(run), "__code__", None)
    where = "" if code is None else str(Place(code.co_filename, code.co_firstlineno))
    return BootError(
        message, where=where, remedy="Define it as `def run(data):`: `data` is the body's text."
    )


def _reader(run: Callable[..., Any], inputs: list[inspect.Parameter]) -> InputReader:
    raw, schema = _is_raw(), _is_schema_decorated(run)
    if raw and schema:
        raise BootError("run() cannot be decorated with both @rawhttp and @input_schema")
    if raw:
        _log.info(
            "run() is decorated with @rawhttp. Server will invoke it with the flask request object."
        )
        return RawInput(inputs[0].name)
    if schema:
        names = ", ".join(parameter.name for parameter in inputs)
        _log.info(
            "run() is decorated with @input_schema. Server will invoke it with the following"
            " arguments: %s.",
            names,
        )
        return SchemaInput(inputs)
    _log.info("run() is not decorated. Server will invoke it with the input in JSON string.")
    return TextInput(inputs[0].name)


def _is_raw() -> bool:
    """Whether anything in this process is decorated with @rawhttp."""
    aml_request = sys.modules.get("scoreserve.compat.aml_request")
    return aml_request is not None and bool(aml_request.requested())


def _is_schema_decorated(run: Callable[..., Any]) -> bool:
    """Whether inference-schema wrapped run(); only a script that imported it can be decorated."""
    schema_util = sys.modules.get("inference_schema.schema_util")
    return schema_util is not None and bool(schema_util.is_schema_decorated(run))
