"""The plain values of numpy's arrays and scalars."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from scoreserve.worker.script import arrays
from scoreserve.worker.script.conversions import NOT_MINE, NoPlainValue
from scoreserve.worker.script.json_text import dumps

PIXEL = np.dtype([("x", "i4"), ("y", "f4", (2,)), ("seen", "M8[s]")])


def read(value: Any) -> Any:
    return json.loads(dumps(value))


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.datetime64("NaT", "s"), None),
        (np.array(["2024-02-29", "NaT"], "M8[D]"), ["2024-02-29", None]),
        (
            np.array([["NaT"], ["2024-02-29T01"]], "M8[ns]"),
            [[None], ["2024-02-29T01:00:00.000000000"]],
        ),
        (np.array("2024-02", "M8[M]"), "2024-02"),
        (np.timedelta64(1500, "ms"), "P0DT0H0M1.5S"),
        (np.timedelta64("NaT", "s"), None),
        (np.array([[1, -1], [90, 2]], "m8[h]")[:1], [["P0DT1H0M0S", "P-1DT23H0M0S"]]),
        (np.array([1, "NaT"], "m8[ns]"), ["P0DT0H0M0.000000001S", None]),
        (np.array(["a", math.nan, None, 1], object), ["a", None, None, 1]),
        (np.array([[math.nan, "a"]], object), [[None, "a"]]),
        (np.longdouble(0.5), 0.5),
        (np.array([0.5], np.longdouble), [0.5]),
        (np.ma.array([1.5, 2.5], mask=[False, True]), [1.5, None]),
        (np.ma.array(["2024-01-01"] * 2, "M8[D]", mask=[False, True]), ["2024-01-01", None]),
        (
            np.array([(1, (0.5, 1.5), "2024-01-01"), (2, (2, 3), "NaT")], PIXEL),
            [
                {"x": 1, "y": [0.5, 1.5], "seen": "2024-01-01T00:00:00"},
                {"x": 2, "y": [2.0, 3.0], "seen": None},
            ],
        ),
        (np.zeros((1, 1), [("a", "i4")]), [[{"a": 0}]]),
        (np.zeros((), [("a", "i4")]), {"a": 0}),
        (np.zeros(1, [("a", "i4")])[0], {"a": 0}),
        (np.array([(1, "b")], [("n", "i4"), ("t", "U1")]).view(np.recarray), [{"n": 1, "t": "b"}]),
    ],
    ids=repr,
)
def test_keep_all_they_have(value: Any, plain: Any) -> None:
    assert read(value) == plain
    assert read([{"a": value}]) == [{"a": plain}]


@pytest.mark.filterwarnings("ignore:The 'generic' unit:DeprecationWarning")  # of numpy 2.5
def test_durations_without_a_unit_are_numbers() -> None:
    assert read(np.array([1, 2], "m8")) == [1, 2]


def test_nan_among_floats_stays_nan() -> None:
    assert dumps(np.array([math.nan, 1])) == b"[NaN,1.0]"
    assert dumps(np.array([math.nan], "f2")) == b"[NaN]"


@pytest.mark.parametrize(
    "value",
    [
        np.array([1j]),
        np.array([b"a"]),
        np.zeros(1, "V4"),
        np.timedelta64(1, "M"),
        np.timedelta64(1, "Y"),
        np.timedelta64(1, "ps"),
        np.array([Fraction(1, 2)]),
        np.array([{1}], object),
    ],
    ids=repr,
)
def test_that_have_no_plain_value_are_refused(value: Any) -> None:
    with pytest.raises(NoPlainValue, match=": result"):
        dumps(value)


def test_what_only_holds_an_array_is_none() -> None:
    class Dataset:
        dtype = np.dtype("f4")

    assert arrays.of_numpy(Dataset()) is NOT_MINE
    assert arrays.of_numpy([1]) is NOT_MINE
