"""Bodies on /score itself that are no JSON, by Content-Type and Accept.

    application/x-npy, application/x-npz     numpy's                   bodies/npy.py
    application/vnd.apache.arrow.stream      Arrow's                   bodies/arrow.py
    text/csv                                 tables                    bodies/csv.py
    application/msgpack                      JSON's values, as bytes

For scripts that say what their input is: by @input_schema, or by @batched, whose inputs are then
arrays and frames instead of texts. A plain run() goes on getting the body's text. Errors are those
of /score.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from typing import Any, Final

from scoreserve import heads
from scoreserve.errors import BadInput, NotAcceptable
from scoreserve.heads import RequestHead
from scoreserve.wire import Buffer, Outcome
from scoreserve.worker.protocols.bodies import arrow, csv, npy
from scoreserve.worker.protocols.bodies.media_types import accepted, media_type
from scoreserve.worker.protocols.bodies.packages import needed_for_input, needed_for_output
from scoreserve.worker.protocols.inputs import Arguments, SchemaInputs, TextInputs
from scoreserve.worker.protocols.outputs import ONLY_OUTPUT, array_of
from scoreserve.worker.protocols.request import ProtocolRequest, Service, content_type
from scoreserve.worker.protocols.signature import Kind, Parameter
from scoreserve.worker.protocols.tensors import texts
from scoreserve.worker.script import json_text, results
from scoreserve.worker.script.responses import StreamedOutcome
from scoreserve.worker.script.tables import is_frame, is_series

MSGPACK_TYPES: Final = (b"application/msgpack", b"application/x-msgpack")
INPUT_TYPES: Final = frozenset(
    {*npy.NPY_TYPES, *npy.NPZ_TYPES, arrow.TYPE, csv.TYPE, *MSGPACK_TYPES}
)
_JSON_TYPES: Final = frozenset({b"application/json", b"application/*", b"*/*"})
_loads: Final = json.loads  # the script may put another in its place
_dumps: Final = json.dumps


class FormatRequest(ProtocolRequest):
    """A request to /score whose body or whose answer is no JSON."""

    def __init__(self, service: Service, max_bytes: int) -> None:
        super().__init__(service)
        self._max_bytes = max_bytes
        self._accepted = accepted(None)

    def arguments(self, head: RequestHead, body: Buffer) -> Arguments:
        self._accepted = accepted(head.header(b"accept"))
        kind = media_type(head.header(b"content-type"))
        if kind not in INPUT_TYPES:
            return self.service.reader.read(heads.encode_head(head), body)
        inputs = self.service.inputs
        if isinstance(inputs, TextInputs):
            return {inputs.parameter: self._input(kind, body)}
        if kind in npy.NPZ_TYPES:
            return inputs.of_named(npy.arrays_of(body, self._max_bytes))
        if kind in MSGPACK_TYPES:
            return inputs.of_json(_json_of(body))
        parameter = inputs.only if isinstance(inputs, SchemaInputs) else None
        return inputs.of_one(self._value(kind, body, parameter))

    def _input(self, kind: bytes, body: Buffer) -> Any:
        """One input of a @batched run()."""
        if kind in npy.NPZ_TYPES:
            return npy.arrays_of(body, self._max_bytes)
        if kind in MSGPACK_TYPES:
            return _json_of(body).decode()
        return csv.text_of(body) if kind == csv.TYPE else self._value(kind, body, None)

    def _value(self, kind: bytes, body: Buffer, parameter: Parameter | None) -> Any:
        if kind in npy.NPY_TYPES:
            return npy.array_of(body)
        if kind == arrow.TYPE:
            as_array = parameter is not None and parameter.kind is Kind.ARRAY
            return arrow.value_of(body, as_array=as_array)
        return csv.frame_of(body, () if parameter is None else parameter.text_columns)

    def result(
        self, job_id: int, value: Any, head: bytes, seconds: float
    ) -> Outcome | StreamedOutcome:
        if self._accepted[:1] == [b"*/*"] or _answers_itself(value):
            return results.result(
                job_id, value, head, seconds, strict_json=self.service.strict_json
            )
        return super().result(job_id, value, head, seconds)

    def written(self, value: Any) -> tuple[bytes, bytes]:
        """In the first form that the client accepts and that has room for the result."""
        problems = []
        for kind in self._accepted:
            if kind in _JSON_TYPES:
                text = json_text.dumps(
                    {} if value is None else value, strict=self.service.strict_json
                )
                return text, content_type()
            write = _WRITERS.get(kind)
            if write is None:
                continue
            try:
                return write(value), content_type(kind)
            except (ValueError, TypeError, NotAcceptable) as error:
                problems.append(f"{kind.decode('latin-1')}: {error}")
        told = "; ".join(problems) or "there is no such form"
        raise NotAcceptable(f"The result has no form that the client accepts ({told}).")

    def reword(self, outcome: Outcome) -> None:
        """Errors are those of /score."""


def concerns(head: RequestHead) -> bool:
    """Whether a request to /score is one for this module."""
    if media_type(head.header(b"content-type")) in INPUT_TYPES:
        return True
    accept = head.header(b"accept")
    return accept is not None and any(kind in _WRITERS for kind in accepted(accept))


def _answers_itself(value: Any) -> bool:
    """Whether a result says itself what its bytes are."""
    flask = sys.modules.get("flask")
    return isinstance(value, Generator) or (flask is not None and isinstance(value, flask.Response))


def _json_of(body: Buffer) -> bytes:
    """A msgpack body as the JSON that it stands for. Raises BadInput."""
    msgpack = needed_for_input("msgpack", MSGPACK_TYPES[0])
    try:
        value = msgpack.unpackb(bytes(body), strict_map_key=True)
        return _dumps(value).encode()
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadInput(f"The body is no msgpack that JSON could stand for: {error}") from None
    except (msgpack.UnpackException, UnicodeError) as error:
        raise BadInput(f"The body is no msgpack: {error}") from None


def _npy(value: Any) -> bytes:
    array = array_of(value.to_numpy() if is_frame(value) else value)
    if array is None:
        raise ValueError("the result is no array")
    if array.dtype.kind != "O":
        return npy.written(array)
    try:
        return npy.written(texts(ONLY_OUTPUT, array).astype(str))
    except BadInput:
        return npy.written(array.astype(bytes))


def _arrow(value: Any) -> bytes:
    if is_frame(value):
        return arrow.written(value)
    array = array_of(value)
    if array is not None and array.dtype.kind != "O":
        return arrow.written(array)
    return arrow.written(_frame(value, arrow.TYPE)[0])


def _csv(value: Any) -> bytes:
    frame, named = _frame(value, csv.TYPE)
    return csv.written(frame, named=named)


def _frame(value: Any, kind: bytes) -> tuple[Any, bool]:
    """A result as a frame, and whether its columns have names."""
    if is_frame(value):
        return value, True
    pandas = needed_for_output("pandas", kind)
    if is_series(value):
        return value.to_frame(), value.name is not None
    named = isinstance(value, dict) or (
        isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    )
    if not named:
        array = array_of(value)
        if array is None or not 1 <= array.ndim <= 2:
            raise ValueError("the result is no table")
        if array.dtype.kind != "O":
            value = array
    return pandas.DataFrame(value), named


def _msgpack(value: Any) -> bytes:
    msgpack = needed_for_output("msgpack", MSGPACK_TYPES[0])
    packed: bytes = msgpack.packb(_loads(json_text.dumps({} if value is None else value)))
    return packed


_WRITERS: Final[dict[bytes, Callable[[Any], bytes]]] = {
    **dict.fromkeys(npy.NPY_TYPES, _npy),
    arrow.TYPE: _arrow,
    csv.TYPE: _csv,
    **dict.fromkeys(MSGPACK_TYPES, _msgpack),
}
