"""How values of a request become what run() takes: one way for each kind of run()."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from scoreserve import heads
from scoreserve.heads import RequestHead
from scoreserve.wire import Buffer
from scoreserve.worker.protocols import arguments, texts
from scoreserve.worker.protocols.signature import Kind, Parameter
from scoreserve.worker.protocols.tensors import Tensor
from scoreserve.worker.script.inputs import InputReader
from scoreserve.worker.script.tables import is_frame

_JSON = [(b"content-type", b"application/json")]
_PARAMS = "params"

Arguments = dict[str, Any]
Named = Mapping[str, Any]


class Inputs(Protocol):
    """Makes arguments of run(). All of them raise BadInput. `params` are MLflow's, which some
    scripts take beside their input.
    """

    def of_one(self, value: Any, params: Named | None = None) -> Arguments:
        """For a value without a name."""

    def of_named(self, values: Named, params: Named | None = None) -> Arguments:
        """For values by name."""

    def of_rows(self, rows: list[Any], params: Named | None = None) -> Arguments:
        """For rows, each of which may be an object with a value for each input."""

    def of_tensors(self, tensors: Sequence[Tensor]) -> Arguments:
        """For the inputs of a V2 request."""

    def of_json(self, body: Buffer) -> Arguments:
        """For a body as POST /score has it."""


class SchemaInputs:
    """For a run() under @input_schema: each parameter gets a value of its schema's kind."""

    def __init__(self, parameters: Sequence[Parameter], reader: InputReader) -> None:
        self.parameters = parameters
        self._reader = reader

    def of_one(self, value: Any, params: Named | None = None) -> Arguments:
        return self._with_params(arguments.of_one(self.parameters, value), params)

    def of_named(self, values: Named, params: Named | None = None) -> Arguments:
        return self._with_params(arguments.of_named(self.parameters, values), params)

    def of_rows(self, rows: list[Any], params: Named | None = None) -> Arguments:
        names = {each.name for each in self.parameters if each.kind is Kind.ARRAY}
        if rows and all(isinstance(row, dict) and names & row.keys() for row in rows):
            known = [name for name in rows[0] if all(name in row for row in rows)]
            return self.of_named({name: [row[name] for row in rows] for name in known}, params)
        return self.of_one(rows, params)

    def of_tensors(self, tensors: Sequence[Tensor]) -> Arguments:
        return self.of_named({tensor.name: tensor.array for tensor in tensors})

    def of_json(self, body: Buffer) -> Arguments:
        return as_score(self._reader, body)

    @property
    def only(self) -> Parameter:
        """The parameter that a value without a name is for. Raises BadInput."""
        return arguments.only(self.parameters)

    def _with_params(self, made: Arguments, params: Named | None) -> Arguments:
        """As MLflow does: what a model has no use for is left out."""
        if params is not None and any(each.name == _PARAMS for each in self.parameters):
            made[_PARAMS] = dict(params)
        return made


class TextInputs:
    """For a run() that gets the body's text: JSON, in whose member `key` a lone value is."""

    def __init__(self, parameter: str, key: str, reader: InputReader) -> None:
        self.parameter = parameter
        self._key = key
        self._reader = reader

    def of_one(self, value: Any, params: Named | None = None) -> Arguments:
        return self._text({self._key: value}, params)

    def of_named(self, values: Named, params: Named | None = None) -> Arguments:
        if len(values) == 1:  # it needs no name
            return self.of_one(next(iter(values.values())), params)
        return self._text(values, params)

    def of_rows(self, rows: list[Any], params: Named | None = None) -> Arguments:
        return self.of_one(rows, params)

    def of_tensors(self, tensors: Sequence[Tensor]) -> Arguments:
        return self.of_named({tensor.name: texts.value_of(tensor) for tensor in tensors})

    def of_json(self, body: Buffer) -> Arguments:
        return as_score(self._reader, body)

    def _text(self, values: Named, params: Named | None) -> Arguments:
        members = {name: _plain(value) for name, value in values.items()}
        if params is not None:
            members[_PARAMS] = dict(params)
        return {self.parameter: texts.written(members)}


def as_score(reader: InputReader, body: Buffer) -> Arguments:
    """The arguments for a body as POST /score has it. Raises BadInput."""
    head = RequestHead(b"POST", b"/score", b"", b"1.1", b"http", b"", _JSON)
    return reader.read(heads.encode_head(head), body)


def _plain(value: Any) -> Any:
    """What orjson can write: arrays of numbers it can."""
    if is_frame(value):
        return value.to_dict(orient="records")
    if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
        return value.tolist()
    return value
