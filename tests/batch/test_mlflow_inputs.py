"""Tables with the types of a signature, which is told here as MLflow's Schema tells it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoreserve.batch.mlflow_inputs import InputReader

FRAME = pd.DataFrame({"a": [1, 2], "b": [3, 4]})


def columns(*specs: tuple[str | None, Any]) -> Any:
    """A schema of columns with names and numpy's types; None: one that pandas has no type for."""
    inputs = [
        SimpleNamespace(
            name=name, type=SimpleNamespace(to_pandas=lambda dtype=dtype: dtype) if dtype else "[]"
        )
        for name, dtype in specs
    ]
    names = [spec.name or place for place, spec in enumerate(inputs)]
    return SimpleNamespace(is_tensor_spec=lambda: False, inputs=inputs, input_names=lambda: names)


def tensors(*specs: tuple[str | None, str, tuple[int, ...]]) -> Any:
    inputs = [
        SimpleNamespace(name=name, type=np.dtype(dtype), shape=shape)
        for name, dtype, shape in specs
    ]
    return SimpleNamespace(is_tensor_spec=lambda: True, inputs=inputs)


def test_columns_have_the_types_of_the_signature() -> None:
    schema = columns(("a", np.dtype("float64")), ("b", object), ("gone", np.dtype("int64")))
    reader = InputReader(schema)
    assert reader.texts == {"b": str}
    typed = reader.typed(FRAME)
    assert (typed["a"].dtype, typed["b"].dtype) == (np.float64, np.int64)
    assert list(typed.columns) == ["a", "b"]


def test_columns_without_names_go_by_place() -> None:
    specs = [(None, np.dtype("int64")), (None, np.dtype("float32")), (None, np.dtype("float32"))]
    typed = InputReader(columns(*specs)).typed(FRAME)
    assert (typed["a"].dtype, typed["b"].dtype) == (np.int64, np.float32)


def test_a_column_of_lists_is_left_alone() -> None:
    frame = pd.DataFrame({"a": [[1], [2, 3]]})
    assert InputReader(columns(("a", None))).typed(frame)["a"].tolist() == [[1], [2, 3]]


def test_what_does_not_fit_raises() -> None:
    with pytest.raises(ValueError, match="old"):
        InputReader(columns(("a", np.dtype("int64")))).typed(pd.DataFrame({"a": ["old"]}))


def test_without_a_signature_a_table_is_as_it_is() -> None:
    assert InputReader(None).typed(FRAME).equals(FRAME)


@pytest.mark.parametrize("shape", [(-1, 2), (-1, 2, 1), (2, 2)])
def test_a_tensor_without_a_name_is_the_whole_table(shape: tuple[int, ...]) -> None:
    array = InputReader(tensors((None, "float32", shape))).typed(FRAME)
    assert (array.dtype, array.shape[:2]) == (np.float32, (2, 2))
    assert array.reshape(2, 2).tolist() == [[1, 3], [2, 4]]


def test_tensors_with_names_are_columns() -> None:
    schema = tensors(("b", "float32", (-1,)), ("a", "int64", (-1, 1)))
    found = InputReader(schema).typed(FRAME)
    assert {name: (array.dtype.name, array.tolist()) for name, array in found.items()} == {
        "b": ("float32", [3, 4]),
        "a": ("int64", [[1], [2]]),
    }
