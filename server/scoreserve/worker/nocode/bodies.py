"""What a request's JSON asks of a model, in any of the forms that Azure ML's services have taken.

    {"data": rows}, {"data": rows, "method": name}      no-code deployments of scikit-learn models
    {"input_data": rows or table or tensors}            MLflow's deployments
    {"inputs": tensors}
    rows                                                 a list alone

    rows      [[1, 2], [3, 4]]
    table     {"columns": ["a", "b"], "data": rows}, or records: [{"a": 1, "b": 2}, ...]
    tensors   {"a": [1, 3], "b": [2, 4]}

Pure: nothing here knows a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from scoreserve.errors import BadInput
from scoreserve.worker.script.model_interface import Tensors

_FORMS = (
    'Send {"data": [[...], ...]}, {"input_data": {"columns": [...], "data": [[...], ...]}} or'
    ' {"inputs": {"name": [...]}}.'
)
_BESIDE_DATA = frozenset({"data", "method"})
_BESIDE_COLUMNS = frozenset({"columns", "index", "data"})
_MOST_NAMED = 5


class Body(NamedTuple):
    """What is to be scored: `rows`, whose items have the names `columns` if these are given, or
    `named` tensors. `as_arrays`: they are arrays, and so should be the answer.
    """

    rows: Any = None
    columns: list[str] | None = None
    named: Mapping[str, Any] | None = None
    method: str | None = None
    azure_form: bool = False
    as_arrays: bool = False


def read(raw: Any) -> Body:
    """The body's meaning. `raw` is its text, the value that its JSON has, or what a binary protocol
    had: Tensors. Raises BadInput.
    """
    if isinstance(raw, Tensors):
        return Body(named=raw, as_arrays=True)
    value = _parsed(raw) if isinstance(raw, str) else raw
    if isinstance(value, list):
        return _of_value(value)
    if not isinstance(value, dict):
        raise BadInput(f"The body is a JSON {_kind(value)}. {_FORMS}")
    if "data" in value and (len(value) == 1 or value.keys() <= _BESIDE_DATA):
        method = _method(value["method"]) if "method" in value else None
        return _of_value(value["data"], method, azure_form=True)
    for member in ("input_data", "inputs"):
        if member in value:
            return _of_value(value[member])
    if _is_split(value):
        return _of_value(value)
    raise BadInput(f"The body has the members {_names(value)}. {_FORMS}")


def _parsed(text: str) -> Any:
    """orjson's value, or the stdlib's, which has NaN too, and words for what is wrong."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except RecursionError:
        raise BadInput("The body is no JSON: nested too deeply") from None
    except ValueError as error:
        if not text.strip():
            raise BadInput(f"The body is empty. {_FORMS}") from None
        raise BadInput(f"The body is no JSON: {error}") from None


def _of_value(value: Any, method: str | None = None, azure_form: bool = False) -> Body:
    rows: Any = None
    columns: list[str] | None = None
    named: dict[str, Any] | None = None
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            columns = list(value[0])
            rows = _rows_of_records(value, columns)
        else:
            rows = value
    elif hasattr(value, "dtype"):  # an array, of a body in another form than JSON
        rows = value
    elif not isinstance(value, dict):
        raise BadInput(f"What is to be scored is a JSON {_kind(value)}. {_FORMS}")
    elif not value:
        raise BadInput(f"What is to be scored is an empty object. {_FORMS}")
    elif _is_split(value):
        rows, columns = value["data"], _checked_columns(value["columns"])
        if not isinstance(rows, list):
            raise BadInput("`data` beside `columns` should be a list of rows.")
        _check_widths(rows, len(columns))
    else:
        named = value
    return Body(rows, columns, named, method, azure_form)


def _is_split(value: dict[str, Any]) -> bool:
    return "columns" in value and "data" in value and value.keys() <= _BESIDE_COLUMNS


def _checked_columns(columns: Any) -> list[str]:
    if not isinstance(columns, list):
        raise BadInput("`columns` should be a list of names.")
    names = [str(name) for name in columns]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadInput(f"Two of the `columns` are {twice!r}.")
    return names


def _check_widths(rows: list[Any], width: int) -> None:
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            has = f"has {len(row)} values" if isinstance(row, list) else "is no list"
            raise BadInput(f"There are {width} `columns`, but row {number} {has}.")


def _rows_of_records(records: list[Any], columns: list[str]) -> list[Any]:
    names = set(columns)
    for number, record in enumerate(records):
        if not isinstance(record, dict):
            raise BadInput(f"Row 0 is an object, but row {number} is a JSON {_kind(record)}.")
        if record.keys() != names:
            different = _names(sorted(record.keys() ^ names))
            raise BadInput(f"Row {number} has other members than row 0: {different}.")
    return [[record[name] for name in columns] for record in records]


def _method(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise BadInput(f"`method` is a JSON {_kind(value)}: it should be a name, such as predict.")


def _names(names: Any) -> str:
    shown = [f"`{name}`" for name in list(names)[:_MOST_NAMED]]
    more = len(names) - len(shown)
    return (", ".join(shown) or "none") + (f" and {more} more" if more else "")


def _kind(value: Any) -> str:
    """What JSON calls it."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        return "string"
    if isinstance(value, (int, float)):
        return "number"
    return "array" if isinstance(value, list) else "object"
