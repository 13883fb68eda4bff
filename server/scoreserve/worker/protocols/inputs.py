"""How values of a request become what run() takes: one way for each kind of run()."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from scoreserve import heads
from scoreserve.heads import RequestHead
from scoreserve.wire import Buffer
from scoreserve.worker.protocols import arguments, texts
from scoreserve.worker.protocols.signature import Parameter
from scoreserve.worker.protocols.tensors import Tensor
from scoreserve.worker.script.inputs import InputReader

_JSON = [(b"content-type", b"application/json")]


class Inputs(Protocol):
    """Makes arguments of run(). All of them raise BadInput."""

    def of_one(self, value: Any) -> dict[str, Any]:
        """For a value without a name."""

    def of_named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """For values by name."""

    def of_tensors(self, tensors: Sequence[Tensor]) -> dict[str, Any]:
        """For the inputs of a V2 request."""

    def of_json(self, body: Buffer) -> dict[str, Any]:
        """For a body as POST /score has it."""


class SchemaInputs:
    """For a run() under @input_schema: each parameter gets a value of its schema's kind."""

    def __init__(self, parameters: Sequence[Parameter], reader: InputReader) -> None:
        self.parameters = parameters
        self._reader = reader

    def of_one(self, value: Any) -> dict[str, Any]:
        return arguments.of_one(self.parameters, value)

    def of_named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return arguments.of_named(self.parameters, values)

    def of_tensors(self, tensors: Sequence[Tensor]) -> dict[str, Any]:
        return self.of_named({tensor.name: tensor.array for tensor in tensors})

    def of_json(self, body: Buffer) -> dict[str, Any]:
        return _as_score(self._reader, body)


class TextInputs:
    """For a run() that gets the body's text: JSON, in whose member `key` a lone value is."""

    def __init__(self, parameter: str, key: str, reader: InputReader) -> None:
        self._parameter = parameter
        self._key = key
        self._reader = reader

    def of_one(self, value: Any) -> dict[str, Any]:
        return {self._parameter: texts.of_one(self._key, _plain(value))}

    def of_named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        plain = {name: _plain(value) for name, value in values.items()}
        return {self._parameter: texts.of_named(self._key, plain)}

    def of_tensors(self, tensors: Sequence[Tensor]) -> dict[str, Any]:
        return self.of_named({tensor.name: texts.value_of(tensor) for tensor in tensors})

    def of_json(self, body: Buffer) -> dict[str, Any]:
        return _as_score(self._reader, body)


def _as_score(reader: InputReader, body: Buffer) -> dict[str, Any]:
    head = RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"", _JSON)
    return reader.read(heads.encode_head(head), body)


def _plain(value: Any) -> Any:
    """What orjson can write: arrays it can."""
    if hasattr(value, "to_dict"):
        return value.to_dict(orient="records")
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
        return value.tolist()
    return value
