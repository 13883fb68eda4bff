"""Arrays made of JSON without a look at each row, beside those that inference-schema makes."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType

from scoreserve.worker.script import schema_arrays

ORIGINAL = NumpyParameterType.deserialize_input

DTYPES = [
    *("float64", "float32", "int64", "int8", "uint64", "bool", "object", "complex128"),
    *("U3", "S3", "datetime64[D]", "timedelta64[s]", "f8, i4"),
]
VALUES = st.one_of(
    *(st.integers(-100, 100), st.integers(), st.floats(), st.booleans(), st.text(max_size=4)),
    *(st.none(), st.just("2020-01-01"), st.just("3 days"), st.just({"f0": 1.5, "f1": 2})),
)


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    schema_arrays.install()
    assert NumpyParameterType.deserialize_input is not ORIGINAL
    yield
    NumpyParameterType.deserialize_input = ORIGINAL


def outcome(make: Any, parameter: Any, payload: Any) -> Any:
    try:
        return make(parameter, copy.deepcopy(payload))
    except Exception as error:  # noqa: BLE001 - whatever inference-schema raises
        return type(error), str(error)


def check(parameter: Any, payload: Any) -> None:
    theirs = outcome(ORIGINAL, parameter, payload)
    for _ in range(2):
        ours = outcome(NumpyParameterType.deserialize_input, parameter, payload)
        if isinstance(theirs, np.ndarray):
            assert schema_arrays.same(ours, theirs)
            assert ours.flags.writeable
        else:
            assert ours == theirs


@settings(max_examples=200, deadline=None)
@given(st.data())
@pytest.mark.filterwarnings("ignore")
def test_an_array_is_the_one_that_inference_schema_makes(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(1,), (2,), (1, 2), (2, 3), (1, 2, 2)]))
    parameter = NumpyParameterType(
        np.zeros(shape, dtype=data.draw(st.sampled_from(DTYPES))),
        enforce_column_type=data.draw(st.booleans()),
        enforce_shape=data.draw(st.booleans()),
    )
    for _ in range(data.draw(st.integers(1, 3))):
        rows: Any = VALUES if data.draw(st.booleans()) else st.integers(0, 9)
        for size in shape[1:]:
            rows = st.lists(rows, min_size=size, max_size=size + data.draw(st.integers(0, 1)))
        check(parameter, data.draw(st.lists(rows, max_size=3)))


def test_no_row_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    parameter = NumpyParameterType(np.zeros((1, 2)))
    check(parameter, [[1, 2.5]])
    monkeypatch.delattr(NumpyParameterType, "_preprocess_json_input")
    assert parameter.deserialize_input([[3, 4], [5, 6]]).tolist() == [[3.0, 4.0], [5.0, 6.0]]


@pytest.mark.parametrize(
    "payload", [None, 1, "[1]", {}, (1, 2), [], [[]], [[1], [1, 2]], np.ones(2)]
)
def test_what_fits_no_sample_is_left_to_inference_schema(payload: Any) -> None:
    check(NumpyParameterType(np.zeros((1, 2))), payload)


def test_one_difference_and_the_parameter_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    parameter = NumpyParameterType(np.zeros((1, 2)))
    with monkeypatch.context() as patch:
        patch.setattr(schema_arrays, "same", lambda *_: False)
        check_equal = parameter.deserialize_input([[1, 2]])
    assert check_equal.tolist() == [[1.0, 2.0]]
    monkeypatch.setattr(schema_arrays, "_array", None)  # is not called again
    assert parameter.deserialize_input([[1, 2]]).tolist() == [[1.0, 2.0]]


def test_arrays_that_differ_in_little_are_not_the_same() -> None:
    array = np.array([[0.0, 1.0], [2.0, 3.0]])
    assert schema_arrays.same(array, array.copy())
    for other in (array.astype("f4"), -array, np.asfortranarray(array), array[0]):
        assert not schema_arrays.same(array, other)


def test_classes_of_the_script_keep_their_ways() -> None:
    class Mine(NumpyParameterType):  # type: ignore[misc]  # it has no types
        def deserialize_input(self, input_data: Any) -> Any:
            return super().deserialize_input(input_data) + 1

    parameter = Mine(np.zeros((1, 2)))
    for _ in range(2):
        assert parameter.deserialize_input([[1, 2]]).tolist() == [[2.0, 3.0]]


def test_what_is_not_as_it_is_known_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def other(self: Any, input_data: Any) -> Any:
        return input_data

    monkeypatch.setattr(NumpyParameterType, "deserialize_input", other)
    schema_arrays.install()
    assert NumpyParameterType.deserialize_input is other
