"""What run() takes: its parameters, and the samples that `@input_schema` has for them.

inference-schema keeps its types in the closures of its decorators, and knows by name only what they
look like in Swagger. So the decorators are walked through, from the outermost to run() itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from scoreserve.worker.script.tables import is_frame

_HEADERS = "request_headers"
_NUMBERS_AND_TIMES = "biufcmM"  # kinds of dtype


class Kind(Enum):
    """What a parameter is made of."""

    ARRAY = "array"
    FRAME = "frame"
    VALUE = "value"


@dataclass(frozen=True)
class Parameter:
    """A parameter of run(), with its default if it has one. `sample` is an array, a DataFrame, or
    any value; None: no schema. What comes is cast to the types of the sample if `enforce_type`, and
    must have its shape, but for the first dimension, if `enforce_shape`.
    """

    name: str
    default: Any = inspect.Parameter.empty
    kind: Kind = Kind.VALUE
    sample: Any = None
    enforce_type: bool = True
    enforce_shape: bool = True

    @property
    def required(self) -> bool:
        return self.default is inspect.Parameter.empty

    @property
    def columns(self) -> list[Any]:
        """The names of the columns of a frame."""
        return list(self.sample.columns)

    @property
    def text_columns(self) -> list[str]:
        """Those of them that have no numbers; none where it is no frame."""
        if self.kind is not Kind.FRAME:
            return []
        dtypes = self.sample.dtypes.items()
        return [str(name) for name, dtype in dtypes if dtype.kind not in _NUMBERS_AND_TIMES]


def parameters_of(run: Callable[..., Any]) -> list[Parameter]:
    """The parameters of a run() under `@input_schema`, in its order; no `request_headers`."""
    types = dict(_types(run))
    return [
        _parameter(each, types.get(each.name))
        for each in inspect.signature(run).parameters.values()
        if each.name != _HEADERS
    ]


def _parameter(signature: inspect.Parameter, schema: Any) -> Parameter:
    sample = getattr(schema, "sample_input", None)
    kind = Kind.VALUE
    if isinstance(sample, np.ndarray) and sample.dtype.names is None:
        kind = Kind.ARRAY
    elif is_frame(sample):
        kind = Kind.FRAME
    return Parameter(
        signature.name,
        signature.default,
        kind,
        sample,
        enforce_type=getattr(schema, "enforce_column_type", True),
        enforce_shape=getattr(schema, "enforce_shape", True),
    )


def _types(run: Any) -> Iterator[tuple[str, Any]]:
    """The type of each parameter that has one, by name."""
    while run is not None:
        decorator = getattr(run, "_self_wrapper", None)
        names = getattr(getattr(decorator, "__code__", None), "co_freevars", ())
        cells = getattr(decorator, "__closure__", None) or ()
        values = dict(zip(names, (cell.cell_contents for cell in cells), strict=False))
        if "param_type" in values and isinstance(values.get("param_name"), str):
            yield values["param_name"], values["param_type"]
        run = getattr(run, "__wrapped__", None)
