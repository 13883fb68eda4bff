"""The body of a V2 inference request: what it asks for, checked.

    body   JSON, or JSON of as many bytes as Inference-Header-Content-Length says, and the raw bytes
           of the inputs that have a `binary_data_size`, one after the other

From the Open Inference Protocol, https://github.com/kserve/open-inference-protocol, and Triton's
binary data extension. Whatever is wrong is BadInput, which says where.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scoreserve.errors import BadInput
from scoreserve.heads import RequestHead
from scoreserve.protocols import JSON_LENGTH
from scoreserve.wire import Buffer
from scoreserve.worker.protocols.tensors import (
    BYTES,
    Tensor,
    by_name,
    from_base64,
    from_bytes,
    from_json,
    shown,
)

_SIZE: Final = "binary_data_size"
# Of Triton's extensions that are none of ours: without them the answer would be another one.
_NOT_HERE: Final = ("shared_memory_region", "classification")
_loads: Final = json.loads  # the script may put another in its place


@dataclass(frozen=True)
class WantedOutput:
    """An output that is asked for by name; `binary` None: as the request has it for all."""

    name: str
    binary: bool | None


@dataclass(frozen=True)
class InferRequest:
    """What a request asks for. `outputs` None: all of them. `binary`: raw bytes, unless an output
    says otherwise.
    """

    id: str | None
    inputs: Sequence[Tensor]
    outputs: Sequence[WantedOutput] | None = None
    binary: bool = False

    def wants_binary(self, name: str) -> bool:
        """Whether this output is to be raw bytes."""
        for output in self.outputs or ():
            if output.name == name and output.binary is not None:
                return output.binary
        return self.binary


def read(head: RequestHead, body: Buffer) -> InferRequest:
    """The request in a body. Raises BadInput."""
    view = memoryview(body)
    length = _json_length(head, len(view))
    members = json_object(view[:length])
    request_id = members.get("id")
    if request_id is not None and not isinstance(request_id, str):
        raise BadInput("id must be a text")
    parameters = _parameters(members, "the request")
    return InferRequest(
        request_id,
        _inputs(members.get("inputs"), view[length:]),
        _outputs(members.get("outputs")),
        _flag(parameters, "binary_data_output", "the request") or False,
    )


def _json_length(head: RequestHead, size: int) -> int:
    written = head.header(JSON_LENGTH)
    if written is None:
        return size
    text = written.strip()
    # int() would take other digits, signs and underscores too.
    if not (text.isdigit() and text.isascii()) or len(text) > len(str(size)) or int(text) > size:
        raise BadInput(
            f"Inference-Header-Content-Length is {shown(text.decode('latin-1'))}: it must be a"
            f" number of bytes up to {size}, the length of the body"
        )
    return int(text)


def json_object(text: Buffer) -> dict[str, Any]:
    """The JSON object that a body is. Raises BadInput."""
    try:
        value = _loads(bytes(text))
    except RecursionError:
        raise BadInput("The body is no JSON that can be read: nested too deeply") from None
    except ValueError as error:  # UnicodeDecodeError is one
        raise BadInput(f"The body is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadInput("The body must be a JSON object")
    return value


def _parameters(members: dict[str, Any], of: str) -> dict[str, Any]:
    found = members.get("parameters")
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise BadInput(f"the parameters of {of} must be an object")
    for name in _NOT_HERE:
        if found.get(name):
            raise BadInput(f"{of}: {name} is an extension that this server does not have")
    return found


def _flag(parameters: dict[str, Any], name: str, of: str) -> bool | None:
    found = parameters.get(name)
    if found is not None and not isinstance(found, bool):
        raise BadInput(f"{of}: {name} must be true or false")
    return found


def _inputs(found: object, raw: memoryview) -> list[Tensor]:
    if not isinstance(found, list) or not found:
        raise BadInput("inputs must be a list of at least one input")
    tensors = []
    start = 0
    for member in found:
        tensor, size = _input(member, raw[start:])
        tensors.append(tensor)
        start += size
    if start != len(raw):
        raise BadInput(
            f"the inputs have {start} bytes of binary data, and {len(raw)} follow the JSON"
        )
    by_name(tensors)
    return tensors


def _input(member: object, raw: memoryview) -> tuple[Tensor, int]:
    """One input, and how many of the raw bytes are its own."""
    if not isinstance(member, dict):
        raise BadInput("each of the inputs must be an object")
    name, datatype, shape = member.get("name"), member.get("datatype"), member.get("shape")
    if not isinstance(name, str) or not name:
        raise BadInput("each of the inputs must have a name")
    if not isinstance(datatype, str):
        raise BadInput(f"input {shown(name)} must have a datatype")
    parameters = _parameters(member, f"input {shown(name)}")
    size = parameters.get(_SIZE)
    if size is None:
        if "data" not in member:
            raise BadInput(f"input {shown(name)} has neither data nor a {_SIZE}")
        array = from_json(name, datatype, shape, member["data"])
        if parameters.get("content_type") == "base64" and datatype == BYTES:
            array = from_base64(name, array)
        return Tensor(name, datatype, array, parameters), 0
    if "data" in member:
        raise BadInput(f"input {shown(name)} has both data and a {_SIZE}")
    if type(size) is not int or not 0 <= size <= len(raw):
        raise BadInput(
            f"input {shown(name)}: {_SIZE} must be a number of bytes up to {len(raw)}, which are"
            f" there, not {shown(size)}"
        )
    return Tensor(name, datatype, from_bytes(name, datatype, shape, raw[:size]), parameters), size


def _outputs(found: object) -> list[WantedOutput] | None:
    if found is None or found == []:
        return None
    if not isinstance(found, list):
        raise BadInput("outputs must be a list")
    wanted = []
    for member in found:
        name = member.get("name") if isinstance(member, dict) else None
        if not isinstance(name, str):
            raise BadInput("each of the outputs must be an object with a name")
        of = f"output {shown(name)}"
        wanted.append(WantedOutput(name, _flag(_parameters(member, of), "binary_data", of)))
    return wanted
