"""Arrays out of JSON: with a model's dtype and shape, or a refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.errors import BadInput
from scoreserve.worker.nocode.arrays import natural, tensor, zeros
from scoreserve.worker.script.model_interface import FREE, TensorSpec


def spec(dtype: str, *shape: int) -> TensorSpec:
    return TensorSpec("x", dtype, shape or (FREE,))


def refusal(values: Any, wanted: TensorSpec) -> str:
    with pytest.raises(BadInput) as caught:
        tensor(values, wanted)
    return caught.value.message


class TestNatural:
    @pytest.mark.parametrize(
        ("values", "dtype"),
        [
            ([[1, 2]], "int64"),
            ([[1, 2.5]], "float64"),
            ([[True]], "bool"),
            ([[1, None]], "float64"),
        ],
    )
    def test_numbers(self, values: Any, dtype: str) -> None:
        assert natural(values, "x").dtype == dtype

    def test_null_among_numbers_is_nan(self) -> None:
        assert np.isnan(natural([[1, None]], "x")[0, 1])

    @pytest.mark.parametrize("row", [["a", 1], ["a", None], ["1", "2"], [2**70, "a"]])
    def test_texts_and_numbers_stay_what_they_are(self, row: Any) -> None:
        assert natural([row], "x").tolist() == [row]

    @pytest.mark.parametrize("values", [[[1], [1, 2]], [["a"], ["a", "b"]], [[1], 2]])
    def test_rows_of_different_lengths_are_refused(self, values: Any) -> None:
        with pytest.raises(BadInput, match="different lengths"):
            natural(values, "The data")


class TestTensor:
    @pytest.mark.parametrize(
        ("values", "dtype"),
        [
            ([1, 2], "float32"),
            ([1.5], "float16"),
            ([1.0, 2.0], "int64"),
            ([0, 255], "uint8"),
            ([2**64 - 1], "uint64"),
            ([True, False], "bool"),
            ([0, 1], "bool"),
            ([True], "float32"),
            (["a", ""], "str"),
            ([], "float32"),
        ],
    )
    def test_values_that_fit_are_kept(self, values: Any, dtype: str) -> None:
        found = tensor(values, spec(dtype))
        assert found.tolist() == values
        assert found.dtype == (object if dtype == "str" else dtype)

    @pytest.mark.parametrize(
        ("values", "dtype", "shown"),
        [
            ([1, 2.5], "int64", "2.5"),
            ([None], "int64", "nan"),
            ([256], "uint8", "256"),
            ([-1], "uint64", "-1"),
            ([2**63], "int64", str(2**63)),
            ([2], "bool", "2"),
            (["1"], "float32", "'1'"),
            ([2**70], "int64", "e+21"),
            ([1e39], "float32", "too large"),
            ([10**400], "float32", "1000"),
            ([1], "str", "1"),
            (["a", None], "str", "None"),
        ],
    )
    def test_values_that_would_become_others_are_refused(
        self, values: Any, dtype: str, shown: str
    ) -> None:
        told = refusal(values, spec(dtype))
        assert "The input x" in told
        assert shown in told

    def test_a_shape_is_refused_with_the_right_one(self) -> None:
        wanted = spec("float32", FREE, 2)
        assert refusal([[1, 2, 3]], wanted).endswith("the shape [?, 2], and has [1, 3].")
        assert refusal([1, 2], wanted).endswith("and has [2].")
        assert tensor([[1, 2]] * 3, spec("float32", 2, FREE)).shape == (
            3,
            2,
        )  # rows are counted later

    def test_an_array_of_its_type_is_taken_as_it_is(self) -> None:
        array = np.ones(3, dtype="float32")
        assert tensor(array, spec("float32")) is array

    def test_zeros_fit(self) -> None:
        wanted = spec("float32", FREE, FREE, 3)
        assert zeros(wanted, 5).shape == (5, 1, 3)
        assert zeros(spec("str", 2), 5).tolist() == ["", ""]


@given(
    st.lists(
        st.lists(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=2))
    ),
    st.sampled_from(["float32", "float64", "int8", "int64", "uint64", "bool", "str"]),
)
def test_anything_is_taken_or_refused(values: Any, dtype: str) -> None:
    try:
        found = tensor(values, spec(dtype, FREE, FREE))
    except BadInput:
        return
    assert found.ndim == 2
