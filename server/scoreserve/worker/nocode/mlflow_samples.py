"""Samples of what an MLflow model takes and gives, and inference-schema's types for them.

As Azure ML's own script for MLflow models has them (mlflow_score_script.py of its public image
mlflow-py312-inference): the input example that was saved with the model, else its signature. Only
where the signature has columns and there is no example, Azure's document has a table without rows
for an example; ours has a row, so that it can be sent.
"""

from __future__ import annotations

import io
import json
import logging
import os
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from inference_schema.parameter_types.abstract_parameter_type import AbstractParameterType
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import (
    StandardPythonParameterType,
)

from scoreserve.errors import BadInput

_log = logging.getLogger("azmlinfsrv")

# What inference-schema, numpy and pandas raise for what they cannot convert.
_NOT_CONVERTED = (ValueError, TypeError, LookupError, AttributeError, OverflowError)


class Samples(NamedTuple):
    """An array, a frame or a dict of arrays each, `params` a dict of values; None: not known.
    `made_up`: the input is a frame with values that no model has seen, just its types are known.
    """

    input: Any
    output: Any
    params: dict[str, Any] | None
    made_up: bool = False


class FreeObject(AbstractParameterType):  # type: ignore[misc]
    """Where nothing is known: any JSON, as it is."""

    def __init__(self) -> None:
        super().__init__(None)

    def deserialize_input(self, input_data: Any) -> Any:
        return input_data

    def input_to_swagger(self) -> dict[str, Any]:
        return {"type": "object", "example": {}}


def of_model(model: Any, path: str) -> Samples:
    """The samples of a model that `mlflow.models.Model.load` has read from this directory."""
    example = _of_example(model, path)
    signature = model.signature
    if signature is None:
        return Samples(example, None, None)
    inputs = example if example is not None else _of_schema(signature.inputs, rows=1)
    params = getattr(signature, "params", None)
    return Samples(
        inputs,
        _of_schema(signature.outputs, rows=0),
        _of_params(params) if params else None,
        made_up=example is None and isinstance(inputs, pd.DataFrame),
    )


def input_type(samples: Samples) -> Any:
    """inference-schema's type for an input."""
    sample = samples.input
    if not samples.made_up:
        return _refusing(_type_of(sample, "split"))
    # Swagger 2 cannot tell of a row with several types, of a table without rows it can.
    parameter = _type_of(sample[:0], "split")
    swagger, versions = parameter.input_to_swagger(), parameter.supported_versions()
    example = json.loads(sample.to_json(orient="split"))
    parameter.input_to_swagger = lambda: {**swagger, "example": example}
    parameter.supported_versions = lambda: versions
    return _refusing(parameter)


def output_type(sample: Any) -> Any:
    """inference-schema's type for an output."""
    return _type_of(sample, "records")


def params_type(sample: dict[str, Any] | None) -> Any:
    """inference-schema's type for the parameters of a prediction."""
    return FreeObject() if sample is None else _refusing(StandardPythonParameterType(sample))


def _type_of(sample: Any, orient: str) -> Any:
    if isinstance(sample, np.ndarray):
        return NumpyParameterType(sample, enforce_shape=False)
    if isinstance(sample, pd.DataFrame):
        return PandasParameterType(sample, enforce_shape=False, orient=orient)
    if isinstance(sample, dict) and all(isinstance(each, np.ndarray) for each in sample.values()):
        types = {
            name: _refusing(NumpyParameterType(array, enforce_shape=False))
            for name, array in sample.items()
        }
        return StandardPythonParameterType(types)
    return FreeObject()


def _refusing(parameter: Any) -> Any:
    """Has what cannot be converted be the client's fault: the reference answers 500."""
    kind = type(parameter)

    def deserialize_input(input_data: Any) -> Any:
        if kind is PandasParameterType:
            input_data = _as_split(input_data, parameter.sample_input)
        try:
            return kind.deserialize_input(parameter, input_data)
        except Exception as error:
            if type(error) is Exception or isinstance(error, _NOT_CONVERTED):
                words = str(error).partition("\n")[0]
                raise BadInput(f"The input cannot be converted: {words}") from error
            raise

    parameter.deserialize_input = deserialize_input
    return parameter


def _as_split(value: Any, sample: pd.DataFrame) -> Any:
    """Rows or records as a table in the form `split`, which is what Azure's script takes. Raises
    BadInput for what is none of them.
    """
    columns = list(sample.columns)
    if isinstance(value, dict) and {"columns", "data"} <= value.keys():
        return value
    rows = value if isinstance(value, list) else []
    if rows and all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return {"columns": columns, "data": value}
    if rows and all(isinstance(row, dict) and row.keys() == rows[0].keys() for row in rows):
        return {
            "columns": list(value[0]),
            "data": [[row[key] for key in value[0]] for row in value],
        }
    raise BadInput(
        'The input should be a table, {"columns": [...], "data": [[...], ...]}, or a list of rows'
        f" of {len(columns)} values: {', '.join(map(str, columns))}."
    )


def _of_example(model: Any, path: str) -> Any:
    """The input example that was saved with the model; None: there is none of use."""
    about = model.saved_input_example_info
    if not about:
        return None
    try:
        with open(os.path.join(path, about["artifact_path"]), encoding="utf-8") as file:
            example = json.load(file)
        if about["type"] == "dataframe":
            orient = "split" if "columns" in example else "values"
            text = io.StringIO(json.dumps(example))
            return pd.read_json(text, orient=orient, dtype=False)
        if about["type"] == "ndarray":
            return _arrays(example["inputs"])
    except (OSError, *_NOT_CONVERTED) as error:
        _log.warning("The model's input example cannot be used: %s", error)
    return None


def _arrays(inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return {name: np.asarray(value) for name, value in inputs.items()}
    return np.asarray(inputs)


def _of_schema(schema: Any, rows: int) -> Any:
    """Of the inputs or the outputs of a signature."""
    if not schema:
        return None
    if schema.is_tensor_spec():
        tensors = {spec.name: _zeros(spec) for spec in schema.inputs}
        return tensors if schema.has_input_names() else next(iter(tensors.values()))
    try:
        return _frame(schema, rows)
    except _NOT_CONVERTED as error:
        _log.warning("No sample can be made of the model's signature: %s", error)
        return None


def _zeros(spec: Any) -> Any:
    shape = list(spec.shape)
    if shape[:1] == [-1]:
        shape[0] = 1
    return np.zeros(shape, dtype=spec.type)


def _frame(schema: Any, rows: int) -> pd.DataFrame:
    """Of columns with the signature's types."""
    names = schema.input_names() if schema.has_input_names() else range(len(schema.inputs))
    dtypes = dict(zip(names, schema.pandas_types(), strict=True))
    if rows:
        return pd.DataFrame({name: [_value(dtype)] for name, dtype in dtypes.items()}).astype(
            dtypes
        )
    return pd.DataFrame(columns=list(names)).astype(dtypes)


def _value(dtype: Any) -> Any:
    kind = np.dtype(dtype).kind
    return "" if kind in "OSU" else False if kind == "b" else 0


def _of_params(schema: Any) -> dict[str, Any]:
    """The defaults, or a value of the type where there is none."""
    return {param.name: _param(param) for param in schema.params}


def _param(param: Any) -> Any:
    if param.default is not None:
        return param.default
    samples = {"boolean": True, "string": "sample string", "float": 0.15, "double": 0.15}
    return samples.get(param.dtype.name, 42)
