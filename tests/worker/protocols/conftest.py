"""Scripts of each kind that the protocols are served around."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.worker.protocols.requests import Served

Run = Callable[..., Any]

_NUMBERS = itertools.count()


def with_schema(run: Run, **samples: Any) -> Run:
    """`run` under @input_schema, with a sample for each parameter.

    inference-schema knows decorated functions by their names, so each has one of its own.
    """
    from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
    from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
    from inference_schema.parameter_types.standard_py_parameter_type import (
        StandardPythonParameterType,
    )
    from inference_schema.schema_decorators import input_schema

    run.__name__ = f"run_{next(_NUMBERS)}"
    for name, sample in samples.items():
        if isinstance(sample, np.ndarray):
            kind: Any = NumpyParameterType
        elif isinstance(sample, pd.DataFrame):
            kind = PandasParameterType
        else:
            kind = StandardPythonParameterType
        run = input_schema(name, kind(sample))(run)
    return run


@pytest.fixture
def arrays() -> Served:
    """run() gets a float32 array of four columns, and adds up its rows."""

    def run(data: Any) -> Any:
        assert data.flags.writeable
        assert data.flags.aligned
        return data.sum(axis=1)

    return Served(with_schema(run, data=np.zeros((1, 4), np.float32)))


@pytest.fixture
def frames() -> Served:
    """run() gets a frame of a number and a text, and says what it is."""

    def run(data: Any) -> Any:
        assert data.dtypes.iloc[0].kind == "f"
        return [f"{name}:{size}" for size, name in data.itertuples(index=False)]

    return Served(with_schema(run, data=pd.DataFrame({"size": [1.5], "name": ["a"]})))


@pytest.fixture
def texts() -> Served:
    """run() gets a text, and gives it back."""

    def run(raw_data: str) -> str:
        return raw_data

    return Served(run)
