"""The plain values of objects, as values and as keys."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import json
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoreserve.worker.script import plain_values
from scoreserve.worker.script.conversions import NoPlainValue
from scoreserve.worker.script.json_text import dumps


class Colour(enum.Enum):
    RED = "red"
    TWO = 2


@dataclasses.dataclass
class Box:
    label: Any
    corners: Any = ()
    _score: float = 0.5


@dataclasses.dataclass(init=False)
class Counts(dict[str, int]):
    """One that json knows is written as json writes it."""


def read(value: Any) -> Any:
    return json.loads(dumps(value))


class TestValues:
    @pytest.mark.parametrize(
        ("value", "plain"),
        [
            (Box("cat", [Box(np.int64(1))]), None),
            (datetime.timedelta(days=1, hours=2, milliseconds=1500), "P1DT2H0M1.5S"),
            (datetime.timedelta(seconds=-1), "P-1DT23H59M59S"),
            (pd.Timedelta("1D2h"), "P1DT2H0M0S"),
            (pd.Timestamp("2024-02-29T01:02:03"), "2024-02-29T01:02:03"),
            (pd.Period("2024-02"), "2024-02"),
            (pd.Interval(0.5, 1.5), "(0.5, 1.5]"),
            ([pd.NaT, {"a": pd.NA}], [None, {"a": None}]),
            (Counts(a=1), {"a": 1}),
        ],
        ids=repr,
    )
    def test_are_made_plain(self, value: Any, plain: Any) -> None:
        if isinstance(value, Box):
            inner = {"label": 1, "corners": [], "_score": 0.5}
            plain = {"label": "cat", "corners": [inner], "_score": 0.5}
        assert read(value) == plain

    @pytest.mark.parametrize("value", [Box, dict, np.ndarray, pd.DataFrame, Colour], ids=repr)
    def test_classes_have_none(self, value: Any) -> None:
        with pytest.raises(TypeError, match=r"of type (type|EnumType|EnumMeta) is not JSON"):
            dumps([value])

    @pytest.mark.parametrize("value", [Decimal("1.5"), {1}, frozenset({1}), b"a", 1j], ids=repr)
    def test_what_would_lose_something_has_none(self, value: Any) -> None:
        with pytest.raises(NoPlainValue, match=type(value).__name__):
            plain_values.plain(value)


class TestKeys:
    @pytest.mark.parametrize(
        ("key", "text"),
        [
            (np.int64(1), "1"),
            (np.uint8(255), "255"),
            (np.bool_(True), "true"),
            (np.str_("a"), "a"),
            (np.float64(0.1), "0.1"),
            (np.float32(0.5), "0.5"),
            (np.datetime64("2024-02-29"), "2024-02-29"),
            (np.datetime64("NaT", "s"), "null"),
            (datetime.date(2024, 2, 29), "2024-02-29"),
            (pd.Timestamp("2024-02-29"), "2024-02-29T00:00:00"),
            (pd.Period("2024-02"), "2024-02"),
            (pd.NaT, "null"),
            (Colour.RED, "red"),
            (Colour.TWO, "2"),
            (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
            (True, "true"),
            (None, "null"),
            (1.5, "1.5"),
        ],
        ids=repr,
    )
    def test_are_the_text_of_their_plain_value(self, key: Any, text: str) -> None:
        assert read({key: 1, "other": {key: 2}}) == {text: 1, "other": {text: 2}}

    def test_beside_plain_ones(self) -> None:
        labels = dict(zip(np.array([0, 1]), np.array([0.25, 0.75]), strict=True))
        assert (
            dumps({"by class": [labels], 7: None}) == b'{"by class":[{"0":0.25,"1":0.75}],"7":null}'
        )

    @pytest.mark.parametrize("key", [(1, 2), b"a", frozenset({1}), Box, Decimal(1)], ids=repr)
    def test_that_have_none_are_refused(self, key: Any) -> None:
        with pytest.raises(TypeError, match=rf"keys must be .*, not {type(key).__name__}: result"):
            dumps({key: 1})

    def test_of_one_text_are_refused(self) -> None:
        """A client would see one of the two values."""
        with pytest.raises(TypeError, match=r"two keys of an object are '1': result\['a'\]"):
            dumps({"a": {np.int64(1): "a", "1": "b"}})

    def test_of_one_text_that_json_knows_are_jsons_own(self) -> None:
        assert dumps({1: "a", "1": "b"}) == b'{"1":"a","1":"b"}'
        assert dumps([{1: "a", "1": "b"}, {np.int64(2): 0}]) == b'[{"1":"a","1":"b"},{"2":0}]'


def test_what_is_nested_too_deeply_is_an_error() -> None:
    value: Any = {np.int64(1): 1}
    for _ in range(100_000):
        value = [value]
    with pytest.raises(RecursionError):
        dumps(value)
    with pytest.raises(RecursionError):
        plain_values.tree(value)
