"""Swagger schemas of a model's requests and answers, with an example that can be sent."""

from __future__ import annotations

from typing import Any

import numpy as np

Schema = dict[str, Any]

_TYPES: dict[str, Schema] = {
    "b": {"type": "boolean"},
    "i": {"type": "integer", "format": "int64"},
    "u": {"type": "integer", "format": "int64"},
    "f": {"type": "number", "format": "double"},
}
_TEXT: Schema = {"type": "string"}
_ANYTHING: Schema = {}
_MOST_VALUES = 4096  # of an example: browsers show it


def of_members(members: dict[str, Any]) -> Schema:
    """The schema of an object with these members, and of values like theirs: arrays, lists or
    objects. Without an example where that would be too long to read.
    """
    schema: Schema = {
        "type": "object",
        "properties": {name: of_value(value) for name, value in members.items()},
        "required": list(members),
    }
    return _with_example(schema, members)


def of_result(value: Any) -> Schema:
    """The schema of a result, with this one for an example."""
    return _with_example(of_value(value), value)


def of_value(value: Any) -> Schema:
    """The schema of values like this one."""
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if isinstance(value, dict):
        return {
            "type": "object",
            "properties": {str(name): of_value(item) for name, item in value.items()},
        }
    if isinstance(value, list):
        return {"type": "array", "items": _of_items(value)}
    return _of_array(np.array(value))


def _of_items(items: list[Any]) -> Schema:
    schemas = [of_value(item) for item in items[:_MOST_VALUES]]
    return schemas[0] if schemas and all(each == schemas[0] for each in schemas) else _ANYTHING


def _of_array(array: np.ndarray[Any, Any]) -> Schema:
    kind = array.dtype.kind
    if kind == "O" and array.size:
        kind = "U" if isinstance(array.flat[0], str) else "O"
    schema = dict(_TEXT if kind in "SU" else _TYPES.get(kind, _ANYTHING))
    for _ in array.shape:
        schema = {"type": "array", "items": schema}
    return schema


def _with_example(schema: Schema, value: Any) -> Schema:
    return {**schema, "example": plain(value)} if _count(value) <= _MOST_VALUES else schema


def plain(value: Any) -> Any:
    """Lists and numbers instead of arrays."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _count(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.size
    if isinstance(value, dict):
        return sum(map(_count, value.values()))
    return sum(map(_count, value)) if isinstance(value, list) else 1
