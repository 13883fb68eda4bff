"""ONNX models, run by onnxruntime: requests are made to fit what the graph's inputs say.

The first dimension of an input is that of the rows. Where it has a fixed size, in all inputs and
outputs the same, requests of other sizes are cut into blocks of it, and the last one is filled up.
A graph whose inputs are columns, as skl2onnx makes of a frame, takes rows and tables too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from scoreserve.errors import BadInput
from scoreserve.settings import Settings
from scoreserve.worker.nocode import schemas
from scoreserve.worker.nocode.arrays import natural, shape_text, tensor, zeros
from scoreserve.worker.nocode.bodies import Body
from scoreserve.worker.nocode.model import library, loading
from scoreserve.worker.nocode.onnx_session import input_spec, output_spec, session
from scoreserve.worker.script.model_interface import FREE, ModelInterface, TensorSpec

_log = logging.getLogger("azmlinfsrv")

# What onnxruntime raises for values that a graph has no answer to, which for shapes that only its
# nodes know of is a plain failure.
_REFUSALS = ("InvalidArgument", "Fail")
_STATUS = "Status Message: "
_LONGEST_TOLD = 300  # characters


def load(path: str, name: str, kind: str, settings: Settings) -> OnnxModel:
    """The model in this file. Raises BootError."""
    runtime = library("onnxruntime", "onnxruntime", path)
    loaded, warnings = loading(path, lambda: session(runtime, path, settings))
    return OnnxModel(loaded, ModelInterface(name, kind, path, warnings=warnings))


class OnnxModel:
    """A session, and what its graph says of its inputs and outputs."""

    names_results = False

    def __init__(self, onnx_session: Any, interface: ModelInterface) -> None:
        self._session = onnx_session
        path = interface.path
        self._inputs = tuple(input_spec(node, path) for node in onnx_session.get_inputs())
        outputs = onnx_session.get_outputs()
        self._names = [node.name for node in outputs]
        specs = tuple(output_spec(node) for node in outputs)
        self._block = _block(self._inputs, specs)
        if self._block:
            _log.info(
                "The model's rows are a fixed number: requests are run in blocks of %d", self._block
            )
        request, answer = self._schemas()
        self.interface = replace(
            interface,
            inputs=self._inputs,
            outputs=specs,
            input_schema=request,
            output_schema=answer,
        )

    def outputs(self, body: Body) -> Mapping[str, Any]:
        """All outputs of the graph, by name."""
        feed = self._feed(body)
        if not self._block:
            return dict(zip(self._names, self._run(feed), strict=True))
        rows = _rows_of(feed)
        if not rows:
            raise BadInput("The request has no rows.")
        blocks = [self._run(block) for block in self._blocks(feed)]
        joined = (_joined(parts)[:rows] for parts in zip(*blocks, strict=True))
        return dict(zip(self._names, joined, strict=True))

    def sample(self, rows: int) -> Body | None:
        if not self.interface.output_schema:
            return None
        return Body(named={spec.name: zeros(spec, rows) for spec in self._inputs}, as_arrays=True)

    def _run(self, feed: dict[str, Any]) -> list[Any]:
        try:
            found: list[Any] = self._session.run(None, feed)  # all outputs, in their order
        except Exception as error:
            if type(error).__name__ in _REFUSALS:
                words = str(error).rpartition(_STATUS)[2].strip()[:_LONGEST_TOLD]
                raise BadInput(f"The model cannot take this input: {words}") from None
            raise
        return found

    def _feed(self, body: Body) -> dict[str, Any]:
        if body.method is not None:
            raise BadInput(f"An ONNX model has no methods, such as {body.method!r}.")
        if body.named is None and len(self._inputs) == 1:
            (spec,) = self._inputs
            return {spec.name: tensor(body.rows, spec)}
        if body.named is not None:
            named = self._checked(body.named)
        else:
            named = self._by_columns(body.rows, body.columns)
        feed = {spec.name: tensor(named[spec.name], spec) for spec in self._inputs}
        if len({array.shape[:1] for array in feed.values()}) > 1 and self._is_by_rows():
            sizes = ", ".join(f"{name} {shape_text(a.shape)}" for name, a in feed.items())
            raise BadInput(f"The inputs have different numbers of rows: {sizes}.")
        return feed

    def _checked(self, named: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = [spec.name for spec in self._inputs]
        if named.keys() != set(wanted):
            raise BadInput(
                f"The model has the inputs {', '.join(wanted)}; the request has"
                f" {', '.join(named) or 'none'}."
            )
        return named

    def _is_by_rows(self) -> bool:
        return all(spec.shape[:1] in ((FREE,), (self._block,)) for spec in self._inputs)

    def _is_of_columns(self) -> bool:
        """Whether each input is a column of a table."""
        return all(
            spec.shape[:1] == (FREE,) and spec.shape[1:] in ((), (1,)) for spec in self._inputs
        )

    def _by_columns(self, rows: Any, columns: list[str] | None) -> dict[str, Any]:
        """A table's columns, each the tensor of one input."""
        names = [spec.name for spec in self._inputs]
        if not self._is_of_columns():
            example = ", ".join(f'"{name}": ...' for name in names)
            raise BadInput(
                f'The model has {len(names)} inputs: send them as {{"inputs": {{{example}}}}}.'
            )
        order = columns or names
        missing = [name for name in names if name not in order]
        if missing:
            raise BadInput(f"The table has no column {', '.join(missing)}.")
        if not isinstance(rows, list) or any(
            not isinstance(row, list) or len(row) != len(order) for row in rows
        ):
            raise BadInput(f"Rows should be lists of {len(order)} values: {', '.join(order)}.")
        places = {name: order.index(name) for name in names}
        return {
            spec.name: _column([row[places[spec.name]] for row in rows], spec)
            for spec in self._inputs
        }

    def _blocks(self, feed: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The rows in blocks of the size that the graph has; the last one is filled up with copies
        of its first row, which the model can surely take.
        """
        rows = _rows_of(feed)
        for start in range(0, rows, self._block):
            block = {name: array[start : start + self._block] for name, array in feed.items()}
            lacks = self._block - _rows_of(block)
            if lacks:
                block = {
                    name: np.concatenate([part, np.repeat(part[:1], lacks, axis=0)])
                    for name, part in block.items()
                }
            yield block

    def _schemas(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Of requests and answers, by a run with zeros; the answer is anything where that fails."""
        feed = {spec.name: zeros(spec, 1) for spec in self._inputs}
        if len(feed) == 1:
            request: dict[str, Any] = {"data": next(iter(feed.values()))}
        elif self._is_of_columns():
            rows = [[array.flat[0] for array in feed.values()]]
            request = {"input_data": {"columns": list(feed), "data": schemas.plain(rows)}}
        else:
            request = {"inputs": feed}
        try:
            outputs = dict(zip(self._names, self._session.run(self._names, feed), strict=True))
        except Exception as error:
            _log.warning("The model cannot be tried with zeros: %s", error)
            return schemas.of_members(request), {}
        result = next(iter(outputs.values())) if len(outputs) == 1 else outputs
        return schemas.of_members(request), schemas.of_result(result)


def _block(inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]) -> int:
    """The fixed number of rows of all inputs and outputs; 0: it is free, or there is none."""
    sizes = {spec.shape[:1] for spec in inputs} | {
        spec.shape[:1] for spec in outputs if spec.dtype != "str" or spec.shape != (FREE,)
    }
    if len(sizes) != 1 or not inputs:
        return 0
    (first,) = sizes
    return first[0] if first and first[0] > 0 else 0


def _rows_of(feed: Mapping[str, Any]) -> int:
    return len(next(iter(feed.values())))


def _joined(parts: tuple[Any, ...]) -> Any:
    """One output of several blocks: arrays, or lists where it is a sequence."""
    if isinstance(parts[0], list):
        return [item for part in parts for item in part]
    return np.concatenate(parts)


def _column(values: list[Any], spec: TensorSpec) -> Any:
    array = natural(values, f"The column {spec.name}")
    return array.reshape(-1, *spec.shape[1:])
