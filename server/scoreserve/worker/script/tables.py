"""The plain values of tables: pandas' frames and Series, and the frames of other libraries.

    DataFrame      records, with the labels of its rows as columns, as reset_index() has them
    Series         an object of its labels; records where they have levels; a list where they are
                   but the numbers of the rows
    Index, arrays  lists

All of a table is in its plain value: two columns or labels of one name are an error. What pandas
calls missing (NaT, NA, None, and NaN where the column is not one of floats) is null; a NaN among
floats is a float. `text` is what makes the key of a JSON object of a label.

No library is imported here: a script that has not imported one cannot return its objects.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

from scoreserve.worker.script.conversions import NOT_MINE, NoPlainValue, distinct

KeyText = Callable[[Any], str]

_NUMBERS_AND_TIMES = frozenset("biufmM")  # kinds of dtype whose tolist() says what is missing
_UNNAMED_LABELS = "index"
_UNNAMED_VALUES = "0"


def of_pandas(value: Any, text: KeyText) -> Any:
    """The plain value of an object of pandas. Raises NoPlainValue."""
    pandas = _pandas()
    if pandas is None:
        return NOT_MINE
    if value is pandas.NaT or value is pandas.NA:
        return None
    if isinstance(value, pandas.DataFrame):
        return _frame(value, text)
    if isinstance(value, pandas.Series):
        return _series(value, text)
    if isinstance(value, (pandas.Index, pandas.api.extensions.ExtensionArray)):
        return _items(value)
    return str(value) if isinstance(value, (pandas.Period, pandas.Interval)) else NOT_MINE


def is_frame(value: Any) -> bool:
    """Whether it is a DataFrame of pandas."""
    pandas = _pandas()
    return pandas is not None and isinstance(value, pandas.DataFrame)


def is_series(value: Any) -> bool:
    """Whether it is a Series of pandas."""
    pandas = _pandas()
    return pandas is not None and isinstance(value, pandas.Series)


def numbers_its_rows(table: Any) -> bool:
    """Whether the labels of a DataFrame or Series are the numbers of its rows, which are left out
    of its plain value.
    """
    pandas = _pandas()
    index = getattr(table, "index", None)
    return (
        pandas is not None
        and isinstance(index, pandas.RangeIndex)
        and (index.name, index.start, index.step) == (None, 0, 1)
    )


def _pandas() -> Any:
    pandas = sys.modules.get("pandas")
    return pandas if hasattr(pandas, "Interval") else None  # it may be being imported


def of_other_frames(value: Any, text: KeyText) -> Any:
    """The plain value of a frame of polars, pyarrow, cudf, Spark and the like, by the names that
    they have for their own conversions. Raises NoPlainValue.
    """
    if callable(getattr(value, "to_dicts", None)):
        return value.to_dicts()
    if callable(getattr(value, "to_pylist", None)):
        _check_columns(getattr(getattr(value, "schema", None), "names", ()), text)
        return value.to_pylist()
    if callable(getattr(value, "to_list", None)) and not hasattr(value, "index"):
        return value.to_list()  # a column without labels
    if callable(getattr(value, "to_pandas", None)):
        return value.to_pandas()
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        _check_columns(value.columns, text)
        return value.to_dict(orient="records")
    return NOT_MINE


def _check_columns(names: Iterable[Any], text: KeyText) -> None:
    distinct([text(name) for name in names], "columns of a table", ": rename one")


def _items(values: Any) -> list[Any]:
    """The items of a Series, an Index or an array, None where one is missing."""
    if _has_levels(values):
        return [list(row) for row in zip(*_levels(values), strict=True)]
    items: list[Any] = values.tolist()
    if values.dtype.kind in _NUMBERS_AND_TIMES:
        return items
    missing = values.isna()
    return [None if is_missing else item for item, is_missing in zip(items, missing, strict=True)]


def _has_levels(index: Any) -> bool:
    return hasattr(index, "levels")  # a MultiIndex, be it of one


def _levels(index: Any) -> list[list[Any]]:
    return [_items(index.get_level_values(level)) for level in range(index.nlevels)]


def _names_of_levels(index: Any, text: KeyText) -> list[str]:
    if not _has_levels(index):
        return [_UNNAMED_LABELS if index.name is None else text(index.name)]
    return [
        f"level_{level}" if name is None else text(name) for level, name in enumerate(index.names)
    ]


def _frame(frame: Any, text: KeyText) -> list[dict[str, Any]]:
    columns = frame.columns
    if _has_levels(columns):
        raise NoPlainValue(
            f"the columns of a DataFrame have {columns.nlevels} levels, as"
            f" {columns[:1].tolist()[0]}: join these to one name"
        )
    names = [text(name) for name in _items(columns)]
    values = [_items(frame.iloc[:, place]) for place in range(len(names))]
    if not says_no_more_than_places(frame.index):
        names = _names_of_levels(frame.index, text) + names
        values = _levels(frame.index) + values
    distinct(
        names,
        "columns of a DataFrame",
        ", the labels of its rows among them: rename one, return frame.to_dict(orient='split'),"
        " or leave the labels out with frame.reset_index(drop=True)",
    )
    if not names:
        return [{} for _ in range(len(frame))]
    return _records(names, values)


def says_no_more_than_places(index: Any) -> bool:
    """Whether labels are 0, 1, 2, ... and without a name, as a frame has them that was read with
    its row numbers.
    """
    return (
        not _has_levels(index)
        and index.name is None
        and index.dtype.kind == "i"
        and index.tolist() == list(range(len(index)))
    )


def _series(series: Any, text: KeyText) -> Any:
    items = _items(series)
    index = series.index
    if numbers_its_rows(series):
        return items
    if _has_levels(index):
        name = _UNNAMED_VALUES if series.name is None else text(series.name)
        names = [*_names_of_levels(index, text), name]
        distinct(names, "names of a Series and its levels", ": rename one")
        return _records(names, [*_levels(index), items])
    labels = distinct(
        [text(label) for label in _items(index)],
        "labels of a Series",
        ": return series.tolist() for the values alone, or series.reset_index() for both",
    )
    return dict(zip(labels, items, strict=True))


def _records(names: list[str], values: list[list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]
