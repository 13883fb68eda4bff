"""What is equal at a glance is equal on a closer look."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoreserve.worker.rows.equality import equal
from scoreserve.worker.rows.plain_rows import not_plainly

scalars = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "1", "ä"])
plain = scalars | st.floats()
rows = st.lists(plain, max_size=3)
results = rows | plain | st.lists(rows, max_size=2) | st.tuples(plain)


def plainly_equal(left: Any, right: Any) -> bool:
    return not not_plainly(right, [left])


@given(results, results)
def test_it_says_yes_only_to_what_is_equal(left: Any, right: Any) -> None:
    assert not plainly_equal(left, right) or equal(left, right)


@given(st.lists(scalars | st.floats(allow_nan=False)))
def test_it_knows_a_row_of_plain_values_again(row: list[Any]) -> None:
    assert plainly_equal(row, copy.deepcopy(row))


@pytest.mark.parametrize(
    ("left", "right"),
    [([1], [1.0]), ([1], [True]), ([1], [1, 2]), ([1, 2], [1]), ([[1]], [[1]]), ((1,), (1,))],
)
def test_it_leaves_the_rest_to_the_closer_look(left: Any, right: Any) -> None:
    assert not plainly_equal(left, right)
    assert not plainly_equal(right, left)


def test_it_asks_no_value_of_the_script() -> None:
    class Label(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise AssertionError("asked")

        __hash__ = str.__hash__

    label = Label("a")
    assert not plainly_equal([label], [Label("a")])
    assert not plainly_equal([label], [label])
