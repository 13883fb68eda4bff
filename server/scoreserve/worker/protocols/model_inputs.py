"""Values of a request for a model that is served without a script: they stay arrays and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scoreserve.wire import Buffer
from scoreserve.worker.protocols.inputs import Arguments, Named, as_score
from scoreserve.worker.protocols.tensors import Tensor, texts
from scoreserve.worker.script.inputs import InputReader
from scoreserve.worker.script.model_interface import ModelInterface, Tensors
from scoreserve.worker.script.tables import is_frame


class ModelInputs:
    """For a built-in run(): see Inputs, and for what it takes ModelInterface."""

    def __init__(self, parameter: str, model: ModelInterface, reader: InputReader) -> None:
        self._parameter = parameter
        self._names = [spec.name for spec in model.inputs]
        self._reader = reader

    def of_one(self, value: Any, params: Named | None = None) -> Arguments:
        if is_frame(value):
            columns = [str(column) for column in value.columns]
            value = {"columns": columns, "data": value.to_numpy().tolist()}
        return {self._parameter: {"input_data": value}}

    def of_named(self, values: Named, params: Named | None = None) -> Arguments:
        return {self._parameter: {"inputs": self._renamed(values)}}

    def of_rows(self, rows: list[Any], params: Named | None = None) -> Arguments:
        return self.of_one(rows)

    def of_tensors(self, tensors: Sequence[Tensor]) -> Arguments:
        arrays = {tensor.name: _array_of(tensor) for tensor in tensors}
        return {self._parameter: Tensors(self._renamed(arrays))}

    def of_json(self, body: Buffer) -> Arguments:
        return as_score(self._reader, body)

    def _renamed(self, values: Named) -> dict[str, Any]:
        """One value for a model with one input needs no name."""
        if len(values) == len(self._names) == 1:
            return {self._names[0]: next(iter(values.values()))}
        return dict(values)


def _array_of(tensor: Tensor) -> Any:
    return texts(tensor.name, tensor.array) if tensor.array.dtype.kind == "O" else tensor.array
