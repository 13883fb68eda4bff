"""How figures are computed and written."""

import pytest

from scoreserve.bench.figures import percentile, significant, spread


@pytest.mark.parametrize(
    ("q", "expected"), [(0, 1), (1, 1), (50, 50), (50.5, 51), (99, 99), (100, 100)]
)
def test_a_percentile_is_a_value_that_was_seen(q: float, expected: float) -> None:
    assert percentile(list(range(1, 101)), q) == expected


def test_the_percentile_of_one_value_is_that_value() -> None:
    assert percentile([7.0], 99) == 7.0


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (28526.4, "28,526"),
        (100.0, "100"),
        (99.94, "99.9"),
        (1.2345, "1.23"),
        (0.053612, "0.0536"),
        (0.0, "0"),
    ],
)
def test_figures_have_three_digits_and_no_exponent(value: float, expected: str) -> None:
    assert significant(value) == expected


def test_a_spread_is_the_median_with_its_range() -> None:
    assert spread([3.0, 1.0, 200.0], "x") == "3.00x (1.00-200)"


def test_values_that_are_alike_have_no_range() -> None:
    assert spread([2.0, 2.0], " ms") == "2.00 ms"
