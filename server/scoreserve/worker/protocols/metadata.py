"""What GET /v2/models/M says of a script: the inputs that run() takes, and the outputs it gives.

Names, datatypes and shapes are those of the samples in its schemas; -1 is any number. A run()
without a schema takes and gives whatever its author likes, and has neither.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from scoreserve.worker.protocols.outputs import array_of, tensors_of
from scoreserve.worker.protocols.signature import Kind, Parameter
from scoreserve.worker.protocols.tensors import BYTES, datatype_of
from scoreserve.worker.script.model_interface import ModelInterface, TensorSpec

Description = dict[str, Any]

_PLATFORM: Final = "azureml_script"
# Of models without a script, by the values of model_files.Kind; the first is Triton's.
_PLATFORMS: Final = {
    "ONNX": "onnxruntime_onnx",
    "XGBoost": "xgboost",
    "LightGBM": "lightgbm",
    "scikit-learn (skops)": "sklearn",
    "pickle": "sklearn",
}
# What inference-schema says of numbers in Swagger, whose examples have only Python's.
_DATATYPES: Final = {
    "float": "FP32",
    "double": "FP64",
    **{f"int{8 * size}": f"INT{8 * size}" for size in (1, 2, 4, 8)},
}


def described(run: Callable[..., Any], parameters: Sequence[Parameter]) -> Description:
    """The members that depend on the script. `parameters` is empty without a schema."""
    return {
        "platform": _PLATFORM,
        "inputs": list(_inputs(parameters)),
        "outputs": list(_outputs(run)) if parameters else [],
    }


def described_model(model: ModelInterface) -> Description:
    """The same of a model that is served without a script."""
    return {
        "platform": _PLATFORMS.get(model.kind, "scoreserve"),
        "inputs": [_of_spec(spec) for spec in model.inputs],
        "outputs": [_of_spec(spec) for spec in model.outputs],
    }


def _of_spec(spec: TensorSpec) -> Description:
    datatype = BYTES if spec.dtype == "str" else datatype_of(np.dtype(spec.dtype))
    return _tensor(spec.name, datatype, spec.shape)


def _tensor(name: str, datatype: str | None, shape: Sequence[int]) -> Description:
    return {"name": name, "datatype": datatype or BYTES, "shape": list(shape)}


def _inputs(parameters: Sequence[Parameter]) -> Iterator[Description]:
    several = sum(parameter.required for parameter in parameters) > 1
    for parameter in parameters:
        sample = parameter.sample
        if parameter.kind is Kind.ARRAY:
            fixed = sample.shape[1:] if parameter.enforce_shape else [-1] * (sample.ndim - 1)
            shape = [-1, *fixed] if sample.ndim else []
            yield _tensor(parameter.name, datatype_of(sample.dtype), shape)
        elif parameter.kind is Kind.VALUE:
            array = array_of(sample) if sample is not None else None
            if array is None:
                yield _tensor(parameter.name, BYTES, [1])
            else:
                shape = [-1] * array.ndim if isinstance(sample, (list, tuple)) else [1]
                yield _tensor(parameter.name, datatype_of(array.dtype), shape)
        elif several:
            array = sample.to_numpy()
            yield _tensor(parameter.name, datatype_of(array.dtype), [-1, array.shape[1]])
        else:
            for column, dtype in sample.dtypes.items():
                yield _tensor(str(column), datatype_of(dtype), [-1])


def _outputs(run: Callable[..., Any]) -> Iterator[Description]:
    schema_util = sys.modules.get("inference_schema.schema_util")
    schema = schema_util.get_output_schema(run) if schema_util is not None else {}
    if "example" not in schema:
        return
    for tensor in tensors_of(schema["example"]):
        datatype = _DATATYPES.get(_format_of(schema), tensor.datatype)
        yield _tensor(tensor.name, datatype, [-1, *tensor.array.shape[1:]])


def _format_of(schema: Any) -> str:
    """The format of the items of an array of whatever depth."""
    while isinstance(schema, dict) and "items" in schema:
        schema = schema["items"]
    return str(schema.get("format", "")) if isinstance(schema, dict) else ""
