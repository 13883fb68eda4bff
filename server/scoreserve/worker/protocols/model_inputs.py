"""Values of a request for a model that is served without a script: they stay arrays and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scoreserve.wire import Buffer
from scoreserve.worker.protocols.inputs import Arguments, Named, as_score
from scoreserve.worker.protocols.tensors import Tensor, texts
from scoreserve.worker.protocols.texts import written
from scoreserve.worker.script.inputs import InputReader
from scoreserve.worker.script.model_interface import ModelInterface, Tensors
from scoreserve.worker.script.tables import is_frame


class ModelInputs:
    """For a built-in run(): see Inputs, and for what it takes ModelInterface. `as_text`: that is
    JSON, since bodies are merged as texts.
    """

    def __init__(
        self, parameter: str, model: ModelInterface, reader: InputReader, *, as_text: bool = False
    ) -> None:
        self._parameter = parameter
        self._as_text = as_text
        self._names = [spec.name for spec in model.inputs]
        self._reader = reader

    def of_one(self, value: Any, params: Named | None = None) -> Arguments:
        if is_frame(value):
            columns = [str(column) for column in value.columns]
            value = {"columns": columns, "data": value.to_numpy().tolist()}
        return self._arguments({"input_data": value})

    def of_named(self, values: Named, params: Named | None = None) -> Arguments:
        return self._arguments({"inputs": self._renamed(values)})

    def of_rows(self, rows: list[Any], params: Named | None = None) -> Arguments:
        return self.of_one(rows)

    def of_tensors(self, tensors: Sequence[Tensor]) -> Arguments:
        arrays = {tensor.name: _array_of(tensor) for tensor in tensors}
        if self._as_text:
            return self.of_named(arrays)
        return {self._parameter: Tensors(self._renamed(arrays))}

    def of_json(self, body: Buffer) -> Arguments:
        return as_score(self._reader, body)

    def _arguments(self, value: dict[str, Any]) -> Arguments:
        return {self._parameter: written(_lists_in(value)) if self._as_text else value}

    def _renamed(self, values: Named) -> dict[str, Any]:
        """One value for a model with one input needs no name."""
        if len(values) == len(self._names) == 1:
            return {self._names[0]: next(iter(values.values()))}
        return dict(values)


def _lists_in(value: Any) -> Any:
    """Lists instead of the arrays in a value of JSON."""
    if isinstance(value, dict):
        return {name: _lists_in(each) for name, each in value.items()}
    return value.tolist() if hasattr(value, "tolist") else value


def _array_of(tensor: Tensor) -> Any:
    return texts(tensor.name, tensor.array) if tensor.array.dtype.kind == "O" else tensor.array
