"""What the models of tables have in common, scikit-learn's, XGBoost's and LightGBM's: they are
tried with a few samples when they are loaded, and the first that they answer is shown to clients.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from scoreserve.worker.nocode import schemas
from scoreserve.worker.nocode.bodies import Body
from scoreserve.worker.nocode.features import Features
from scoreserve.worker.script.model_interface import FREE, ModelInterface, TensorSpec

_log = logging.getLogger("azmlinfsrv")
Outputs = Mapping[str, Any]


def zeros(features: Features) -> Iterable[list[Any]]:
    """The row to try a model with of which no more is known than how many numbers it takes."""
    if features.count is not None:
        yield [0.0] * features.count


def described(
    interface: ModelInterface,
    features: Features,
    outputs: Callable[[Body], Outputs],
    candidates: Iterable[Any],
    *,
    names_results: bool,
) -> tuple[ModelInterface, Any]:
    """The interface, with what a trial of the model shows; and the row that it could answer, or
    None. `names_results`: see Model.
    """
    for row in candidates:
        body = _request(features, [row])
        try:
            found = outputs(body)
        except Exception as error:
            _log.debug("The model cannot answer a sample: %s", error)
            continue
        named = body.azure_form and names_results
        completed = replace(
            interface,
            inputs=_inputs(features, row),
            outputs=tuple(_output(name, value) for name, value in found.items()),
            input_schema=schemas.of_members(_members(features, row)),
            output_schema=schemas.of_result(dict(found) if named else next(iter(found.values()))),
        )
        return completed, row
    _log.warning("The model answers none of the samples that were made up: /docs shows no example")
    return replace(interface, inputs=_inputs(features, None), input_schema={"type": "object"}), None


def _request(features: Features, rows: list[Any]) -> Body:
    return Body(rows=rows, columns=features.names, azure_form=features.names is None)


def sample(features: Features, row: Any, rows: int) -> Body | None:
    """A request of so many rows that are all this one."""
    return None if row is None else _request(features, [row] * rows)


def _members(features: Features, row: Any) -> dict[str, Any]:
    """The members of a request for this row."""
    if features.names is not None:
        return {"input_data": {"columns": features.names, "data": [row]}}
    return {"data": np.array([row]) if _is_of_numbers(row) else [row]}


def _is_of_numbers(row: Any) -> bool:
    return isinstance(row, list) and all(isinstance(value, (int, float)) for value in row)


def _inputs(features: Features, row: Any) -> tuple[TensorSpec, ...]:
    """One for each column, where the model is to have a frame; else one for all."""
    if features.framed and features.names is not None:
        values = row if row is not None else [0.0] * len(features.names)
        return tuple(
            TensorSpec(name, _dtype(value), (FREE,))
            for name, value in zip(features.names, values, strict=True)
        )
    if isinstance(row, str):
        return (TensorSpec("data", "str", (FREE,)),)
    width = FREE if features.count is None else features.count
    dtype = "float64" if row is None or _is_of_numbers(row) else "str"
    return (TensorSpec("data", dtype, (FREE, width)),)


def _dtype(value: Any) -> str:
    return "str" if isinstance(value, str) else "float64"


def _output(name: str, value: Any) -> TensorSpec:
    array = np.asarray(value)
    dtype = "str" if array.dtype.kind in "OSU" else array.dtype.name
    return TensorSpec(name, dtype, (FREE, *array.shape[1:]))
