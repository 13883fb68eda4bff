"""From a request to the arguments of run(), for scripts that are not @rawhttp.

Rules and messages are the reference's (azureml-inference-server-http 1.5.1,
server/input_parsers.py), but for two. A body sent with a form content type is handed over instead
of an empty string, since `curl -d` sends that type when no header is given. A body that is no text
is refused for its Content-Encoding, where it has one: what is compressed is no text. One that is
text is taken for what it is, whatever that header says.
"""

from __future__ import annotations

import codecs
import inspect
import json
from typing import Any, Final
from urllib.parse import parse_qsl

from scoreserve import heads
from scoreserve.errors import BadInput, MethodRefused, ReplyError, UnsupportedInput
from scoreserve.heads import RequestHead
from scoreserve.wire import Buffer

_KEEP_ESCAPES = "scoreserve.keep_escapes"

# The stdlib's own: the script may put others in their place.
_dumps: Final = json.dumps
_loads: Final = json.loads
_LONGEST_SHOWN = 100  # characters of a header that clients fill


def _keep_escapes(error: UnicodeError) -> tuple[str, int]:
    """Leaves bytes of a query that are not UTF-8 percent-encoded, as werkzeug does."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    escapes = (f"%{byte:02X}" for byte in error.object[error.start : error.end])
    return "".join(escapes), error.end


codecs.register_error(_KEEP_ESCAPES, _keep_escapes)


class InputReader:
    """Makes run()'s input arguments out of one request."""

    def read(self, head: bytes, body: Buffer) -> dict[str, Any]:
        """`head` is the request's, encoded. Raises BadInput, UnsupportedInput or MethodRefused."""
        raise NotImplementedError


class RawInput(InputReader):
    """For a run() under @rawhttp: flask's request, whatever the method."""

    def __init__(self, parameter: str) -> None:
        self._parameter = parameter

    def read(self, head: bytes, body: Buffer) -> dict[str, Any]:
        import flask

        return {self._parameter: flask.request}


class TextInput(InputReader):
    """For an undecorated run(): the body as a str, or the query as a JSON object."""

    def __init__(self, parameter: str) -> None:
        self.parameter = parameter

    def read(self, head: bytes, body: Buffer) -> dict[str, Any]:
        if head.startswith(heads.POST):
            try:
                text = body.decode() if isinstance(body, bytes) else str(body, "utf-8")
            except UnicodeDecodeError as error:
                problem = f"Input cannot be decoded as UTF-8: {error}"
                raise _no_text(heads.decode_head(head), problem) from None
            return {self.parameter: text}
        request = heads.decode_head(head)
        if request.method == b"GET":
            return {self.parameter: _dumps(query_values(request.query))}
        raise MethodRefused


class SchemaInput(InputReader):
    """For a run() under @input_schema: members of the JSON body (or of the query) by name."""

    def __init__(self, parameters: list[inspect.Parameter]) -> None:
        self._parameters = [(parameter.name, parameter.default) for parameter in parameters]

    def read(self, head: bytes, body: Buffer) -> dict[str, Any]:
        request = heads.decode_head(head)
        if request.method == b"POST":
            return self._pick(_json_object(request, bytes(body)))
        if request.method == b"GET":
            return self._pick(query_values(request.query))
        raise MethodRefused

    def _pick(self, members: dict[str, Any]) -> dict[str, Any]:
        arguments = {}
        for name, default in self._parameters:
            value = members.get(name, default)
            if value is inspect.Parameter.empty:
                raise BadInput(f"A value is not provided for the {name!r} parameter.")
            arguments[name] = value
        return arguments


def query_values(query: bytes) -> dict[str, Any]:
    """`a=1&b=[1,2]&c=x` as {"a": 1, "b": [1, 2], "c": "x"}: every value is read as JSON where it
    is JSON, a name given more than once becomes a list.
    """
    values: dict[str, list[Any]] = {}
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, errors=_KEEP_ESCAPES)
    for name, text in pairs:
        values.setdefault(name, []).append(_json_or_text(text))
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}


def _json_or_text(text: str) -> Any:
    try:
        return _loads(text)
    except (ValueError, RecursionError):
        return text


def _json_object(head: RequestHead, body: bytes) -> dict[str, Any]:
    if not _is_json(head.header(b"content-type")):
        raise UnsupportedInput("Expects Content-Type to be application/json")
    if not body:
        raise BadInput("POST body is empty. Expecting a JSON dictionary.")
    try:
        value = _loads(body)
    except UnicodeDecodeError as error:
        raise _no_text(head, f"POST body could not be decoded as JSON: {error}") from None
    except RecursionError:
        raise BadInput("POST body could not be decoded as JSON: nested too deeply") from None
    except ValueError as error:
        raise BadInput(f"POST body could not be decoded as JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInput("POST body should be a JSON dictionary.")
    return value


def _no_text(head: RequestHead, problem: str) -> ReplyError:
    """What is wrong with a body that is no text: how it was sent, if it is compressed."""
    values = b",".join([value for name, value in head.headers if name == b"content-encoding"])
    codings = [coding.strip() for coding in values.decode("latin-1").split(",")]
    applied = [coding for coding in codings if coding.lower() not in {"", "identity"}]
    if not applied:
        return BadInput(problem)
    shown = ", ".join(applied)[:_LONGEST_SHOWN]
    return UnsupportedInput(f"Content-Encoding {shown} is not accepted: send the body as it is.")


def _is_json(content_type: bytes | None) -> bool:
    """Whether Flask would call this type JSON: application/json or application/*+json."""
    media_type = (content_type or b"").split(b";", 1)[0].strip().lower()
    return media_type == b"application/json" or (
        media_type.startswith(b"application/") and media_type.endswith(b"+json")
    )
