"""The plain values of tables: all columns and labels are there, or there is an error."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoreserve.worker.script import tables
from scoreserve.worker.script.conversions import NoPlainValue
from scoreserve.worker.script.json_text import dumps


def read(value: Any) -> Any:
    return json.loads(dumps(value))


def refused(value: Any, *words: str) -> None:
    with pytest.raises(NoPlainValue) as caught:
        dumps({"answer": value})
    for word in (*words, ": result['answer']"):
        assert word in str(caught.value)


class TestFrames:
    def test_are_records_of_plain_values(self) -> None:
        frame = pd.DataFrame(
            {
                "n": np.array([1, 2], "i4"),
                "f": np.array([0.5, 1.5], "f4"),
                "b": [True, False],
                "t": pd.to_datetime(["2024-02-29", "2024-03-01"]),
                "o": [[1], {"a": np.int64(2)}],
                "c": pd.Categorical(["x", "y"]),
                3: ["é", "z"],
            }
        )
        first, second = read(frame)
        assert (first["n"], first["f"], first["b"], first["o"]) == (1, 0.5, True, [1])
        assert (first["t"], first["c"], first["3"]) == ("2024-02-29T00:00:00", "x", "é")
        assert list(second.values()) == [2, 1.5, False, "2024-03-01T00:00:00", {"a": 2}, "y", "z"]

    @pytest.mark.parametrize(
        "column",
        [
            pd.Series(["a", None]),
            pd.Series(["a", math.nan], dtype=object),
            pd.Series(["a", pd.NA], dtype="string"),
            pd.Series(["a", math.nan], dtype="category"),
            pd.Series([1, None], dtype="Int64"),
            pd.Series([1.5, None], dtype="Float64"),
            pd.Series([True, None], dtype="boolean"),
            pd.Series([True, None], dtype=object),
            pd.to_datetime(pd.Series(["2024-02-29", None])),
            pd.to_datetime(pd.Series(["2024-02-29", None])).dt.tz_localize("UTC"),
            pd.to_timedelta(pd.Series(["1h", None])),
            pd.Series([pd.Period("2024-01"), None]),
            pd.Series([pd.Timestamp("2024-01-01"), pd.NaT], dtype=object),
            pd.Series([[1], pd.NA], dtype=object),
        ],
        ids=lambda column: str(column.dtype),
    )
    def test_what_is_missing_is_null(self, column: Any) -> None:
        for value in (column, column.array, pd.Index(column, dtype=column.dtype)):
            items = read(value)
            assert items[0] is not None
            assert items[1] is None
        assert [record["a"] for record in read(pd.DataFrame({"a": column}))] == read(column)
        assert read({"a": list(column)})["a"][0] == read(column)[0]

    def test_nan_among_floats_is_a_float(self) -> None:
        """As in a list of them; SCORESERVE_STRICT_JSON makes null of it."""
        frame = pd.DataFrame({"a": [math.nan, 1.5], "b": ["x", None]})
        assert dumps(frame) == b'[{"a":NaN,"b":"x"},{"a":1.5,"b":null}]'
        assert dumps(frame, strict=True) == b'[{"a":null,"b":"x"},{"a":1.5,"b":null}]'
        assert dumps(frame["a"]) == b"[NaN,1.5]"

    @pytest.mark.parametrize(
        "frame",
        [
            pd.concat([pd.DataFrame({"s": [1], "i": [0]}), pd.DataFrame({"s": [2]})], axis=1),
            pd.DataFrame([[1, 2]], columns=[1, "1"]),
            pd.DataFrame({"s": [1], "i": [0]}).set_index("i", drop=False),
            pd.DataFrame({"index": [1]}, index=["a"]),
        ],
        ids=["one name twice", "two of one text", "a label", "a label of the name it is given"],
    )
    def test_two_columns_of_one_name_are_refused(self, frame: Any) -> None:
        refused(frame, "two columns of a DataFrame are", "rename", "reset_index(drop=True)")

    def test_columns_of_two_levels_are_refused(self) -> None:
        frame = pd.DataFrame({"a": [1, 1], "b": [1.0, 2.0]}).groupby("a").agg(["mean", "std"])
        refused(frame, "have 2 levels, as ('b', 'mean')", "join")

    @pytest.mark.parametrize(
        ("index", "labels"),
        [
            (pd.Index(["x", "y"], name="city"), [{"city": "x"}, {"city": "y"}]),
            (pd.Index(["x", "y"]), [{"index": "x"}, {"index": "y"}]),
            (pd.Index(["x", "x"]), [{"index": "x"}, {"index": "x"}]),
            (pd.Index([101, 205]), [{"index": 101}, {"index": 205}]),
            (pd.Index([1, 0]), [{"index": 1}, {"index": 0}]),
            (pd.RangeIndex(2020, 2022), [{"index": 2020}, {"index": 2021}]),
            (pd.RangeIndex(2, name="id"), [{"id": 0}, {"id": 1}]),
            (pd.Index([0.0, 1.0]), [{"index": 0.0}, {"index": 1.0}]),
            (
                pd.DatetimeIndex(["2024-01-01", None]),
                [{"index": "2024-01-01T00:00:00"}, {"index": None}],
            ),
            (
                pd.MultiIndex.from_tuples([("x", 1), ("y", 2)], names=["city", None]),
                [{"city": "x", "level_1": 1}, {"city": "y", "level_1": 2}],
            ),
            (pd.RangeIndex(2), [{}, {}]),
            (pd.Index([0, 1]), [{}, {}]),
        ],
        ids=repr,
    )
    def test_labels_of_rows_are_columns(self, index: Any, labels: Any) -> None:
        """But for numbers that say no more than the places of the rows."""
        frame = pd.DataFrame({"a": [5, 6]}, index=index)
        assert read(frame) == [{**labels[0], "a": 5}, {**labels[1], "a": 6}]

    @pytest.mark.parametrize(
        ("frame", "plain"),
        [
            (pd.DataFrame(), []),
            (pd.DataFrame({"a": []}), []),
            (pd.DataFrame(index=range(2)), [{}, {}]),
            (pd.DataFrame(index=["a"]), [{"index": "a"}]),
        ],
        ids=["nothing", "no rows", "no columns", "labels alone"],
    )
    def test_empty_ones(self, frame: Any, plain: Any) -> None:
        assert read(frame) == plain


class TestSeries:
    @pytest.mark.parametrize(
        ("series", "plain"),
        [
            (pd.Series(["a", "a", "b"]).value_counts(), {"a": 2, "b": 1}),
            (pd.Series([7, 3, 7]).value_counts(), {"7": 2, "3": 1}),
            (pd.Series([True, True]).value_counts(), {"true": 2}),
            (pd.Series(["a", None]).value_counts(dropna=False), {"a": 1, "null": 1}),
            (pd.Series({"cat": 0.9, "dog": 0.1}), {"cat": 0.9, "dog": 0.1}),
            (pd.Series([1], index=pd.DatetimeIndex(["2024-01-01"])), {"2024-01-01T00:00:00": 1}),
            (pd.Series([0.5], index=[1.5]), {"1.5": 0.5}),
            (pd.Series([5, 6], index=range(2020, 2022)), {"2020": 5, "2021": 6}),
            (
                pd.Series([1, 5])
                .groupby(pd.cut(pd.Series([1, 5]), [0, 2, 6]), observed=True)
                .sum(),
                {"(0, 2]": 1, "(2, 6]": 5},
            ),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_with_labels_are_objects(self, series: Any, plain: Any) -> None:
        assert read(series) == plain
        assert read([{"a": series}]) == [{"a": plain}]

    def test_that_number_their_items_are_lists(self) -> None:
        frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
        assert read([frame["a"], frame["b"], pd.Series([], dtype=float)]) == [
            [1, 2],
            ["x", "y"],
            [],
        ]

    def test_with_levels_are_records(self) -> None:
        frame = pd.DataFrame({"city": ["x", "x"], "class": [1, 2]})
        assert read(frame.groupby(["city", "class"]).size()) == [
            {"city": "x", "class": 1, "0": 1},
            {"city": "x", "class": 2, "0": 1},
        ]
        counts = frame[["city"]].value_counts()
        assert read(counts) == [{"city": "x", counts.name or "0": 2}]

    def test_two_labels_of_one_name_are_refused(self) -> None:
        refused(pd.Series([1, 2], index=["a", "a"]), "two labels of a Series are 'a'", "tolist()")
        refused(pd.Series([1, 2], index=pd.Index([1, "1"], dtype=object)), "are '1'")

    def test_labels_that_are_no_keys_are_refused(self) -> None:
        refused(pd.Series([1], index=pd.Index([b"a"])), "keys must be", "not bytes")

    def test_two_levels_of_one_name_are_refused(self) -> None:
        index = pd.MultiIndex.from_tuples([("x", 1)], names=["a", "a"])
        refused(pd.Series([1], index=index), "names of a Series", "rename")

    def test_values_without_a_plain_value_are_refused(self) -> None:
        with pytest.raises(NoPlainValue, match=r"Decimal is not .*: result\['a'\]$"):
            dumps(pd.Series({"a": Decimal(1)}))


class TestIndexes:
    @pytest.mark.parametrize(
        ("value", "plain"),
        [
            (pd.Index(["a", None]), ["a", None]),
            (pd.RangeIndex(2), [0, 1]),
            (pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), [["a", 1], ["b", 2]]),
            (pd.MultiIndex.from_arrays([["a"]]), [["a"]]),
            (pd.Categorical([3, None]), [3, None]),
            (pd.array([1, None], dtype="Int64"), [1, None]),
            (pd.interval_range(0, 2), ["(0, 1]", "(1, 2]"]),
            (pd.period_range("2024-01", periods=1, freq="M"), ["2024-01"]),
        ],
        ids=repr,
    )
    def test_are_lists(self, value: Any, plain: Any) -> None:
        assert read(value) == plain


class Polars:
    """Frames of polars know their rows as dictionaries."""

    columns = ("a", "b")

    def to_dicts(self) -> list[dict[str, Any]]:
        return [{"a": np.int64(1), "b": None}]

    def to_dict(self) -> Any:
        raise AssertionError("not asked for columns")


class PolarsSeries:
    def to_list(self) -> list[Any]:
        return [1, None]

    def to_pandas(self) -> Any:
        raise ImportError("it needs pyarrow")


class Schema:
    def __init__(self, *names: str) -> None:
        self.names = names


class Arrow:
    """Tables of pyarrow are lists of rows, from which columns of one name are gone."""

    def __init__(self, *names: str) -> None:
        self.schema = Schema(*names)

    def to_pylist(self) -> list[dict[str, Any]]:
        return [dict.fromkeys(self.schema.names, 1)]

    def to_pandas(self) -> Any:
        raise AssertionError("not asked for pandas")


class ArrowScalar:
    def as_py(self) -> Any:
        return 3


class OnTheGpu:
    """cudf refuses to copy a Series silently."""

    index = ()

    def to_pandas(self) -> Any:
        return pd.Series([1, 2], index=["a", "b"])

    def tolist(self) -> Any:
        raise TypeError("to_pandas() is meant")

    to_list = tolist


class LikePandas:
    def __init__(self, *columns: str) -> None:
        self.columns = columns

    def to_dict(self, orient: str) -> Any:
        assert orient == "records"
        return [dict.fromkeys(self.columns, 1)]


class TestOtherLibraries:
    @pytest.mark.parametrize(
        ("value", "plain"),
        [
            (Polars(), [{"a": 1, "b": None}]),
            (PolarsSeries(), [1, None]),
            (Arrow("a", "b"), [{"a": 1, "b": 1}]),
            (ArrowScalar(), 3),
            (OnTheGpu(), {"a": 1, "b": 2}),
            (LikePandas("a"), [{"a": 1}]),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_are_asked_for_their_rows(self, value: Any, plain: Any) -> None:
        assert read([value]) == [plain]

    @pytest.mark.parametrize("table", [Arrow("a", "a"), LikePandas("a", "a")])
    def test_two_columns_of_one_name_are_refused(self, table: Any) -> None:
        refused(table, "two columns of a table are 'a'")

    def test_polars_itself(self) -> None:
        polars = pytest.importorskip("polars")
        frame = polars.DataFrame({"a": [1, None], "t": [0.5, float("nan")]})
        assert dumps(frame) == b'[{"a":1,"t":0.5},{"a":null,"t":NaN}]'
        assert read({"s": frame["a"]}) == {"s": [1, None]}

    def test_pyarrow_itself(self) -> None:
        arrow = pytest.importorskip("pyarrow")
        table = arrow.table({"a": [1, None]})
        assert read([table, table["a"], table["a"][0]]) == [[{"a": 1}, {"a": None}], [1, None], 1]
        refused(arrow.table([[1], [2]], names=["a", "a"]), "two columns of a table are 'a'")


class TestRowNumbers:
    @pytest.mark.parametrize(
        ("table", "numbered"),
        [
            (pd.DataFrame({"a": [1]}), True),
            (pd.Series([1, 2]), True),
            (pd.Series([1, 2])[1:], False),
            (pd.Series([1], index=pd.RangeIndex(1, name="id")), False),
            (pd.Series([1, 2], index=pd.Index([0, 1])), False),
            (np.array([1]), False),
            ([1], False),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_are_no_labels(self, table: Any, numbered: bool) -> None:
        assert tables.numbers_its_rows(table) is numbered


def test_a_module_that_is_only_called_pandas_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that is being imported by another thread."""
    monkeypatch.setitem(__import__("sys").modules, "pandas", object())
    assert read(LikePandas("a")) == [{"a": 1}]
    assert not tables.numbers_its_rows([1])
