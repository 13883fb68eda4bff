"""The plain value behind one that json does not know, so that nothing of it is lost in silence.

    numpy        see `arrays`
    tables       see `tables`
    any object   toJSON(), tolist(), isoformat() and their like; the value of an enumeration, the
                 fields of a dataclass, a duration as text

What has no plain value that keeps all of it (sets have no order, Decimal is no float, bytes are no
text) is refused, and the error says what it was and where.

This module stays Python, since it follows the script's values to their last item: there the
interpreter's recursion limit must hold.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import enum
import json
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

from scoreserve.worker.script import arrays, tables
from scoreserve.worker.script.conversions import NOT_MINE, NoPlainValue, distinct

# Bound before the script can put its own in their place.
_Encoder: Final = json.JSONEncoder
_no_default: Final = json.JSONEncoder.default
_text_of: Final = json.dumps

_PLAIN_KEYS = (str, int, float, bool, type(None))
_OWN_METHODS = ("toJSON", "tolist", "to_list", "as_py", "isoformat")

Path = tuple[Any, ...]  # (((), "a"), 3) is item 3 of member "a"


def plain(value: Any) -> Any:
    """The plain value behind `value`, whose items may need the same. Raises NoPlainValue when there
    is none.
    """
    if not isinstance(value, type):  # whose methods are there, and have nobody to be called on
        for convert in _CONVERSIONS:
            converted = convert(value)
            if converted is not NOT_MINE:
                return converted
    raise NoPlainValue(f"Object of type {type(value).__name__} is not JSON serializable")


def tree(value: Any, path: Path = ()) -> Any:
    """`value` with all that json does not know made plain, keys too.

    Raises NoPlainValue, which says where in the value there is something that has no plain form.
    """
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, dict):
        return _object(value, path)
    if isinstance(value, (list, tuple)):
        return [tree(item, (path, place)) for place, item in enumerate(value)]
    try:
        converted = plain(value)
    except NoPlainValue as error:
        raise NoPlainValue(f"{error}: {_written(path)}") from None
    return tree(converted, path)


def _object(members: dict[Any, Any], path: Path) -> dict[Any, Any]:
    # Keys that json knows are left to it: where two are alike as text, it writes both.
    if all(isinstance(key, _PLAIN_KEYS) for key in members):
        return {key: tree(item, (path, key)) for key, item in members.items()}
    try:
        names = distinct([key_text(key) for key in members], "keys of an object")
    except NoPlainValue as error:
        raise NoPlainValue(f"{error}: {_written(path)}") from None
    return {
        name: tree(item, (path, name)) for name, item in zip(names, members.values(), strict=True)
    }


def key_text(key: Any) -> str:
    """A key as json writes it: that of its plain value. Raises NoPlainValue."""
    if isinstance(key, str):
        return str.__str__(key)
    if isinstance(key, _PLAIN_KEYS):
        return _text_of(key)
    if not isinstance(key, (tuple, list, dict)):
        with contextlib.suppress(NoPlainValue):
            found = plain(key)
            if isinstance(found, _PLAIN_KEYS):
                return key_text(found)
    raise NoPlainValue(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def _written(path: Path) -> str:
    steps = []
    while path:
        path, step = path
        steps.append(f"[{step!r}]")
    return "result" + "".join(reversed(steps))


def _by_patched_encoder(value: Any) -> Any:
    """What the script has taught the stdlib's encoder, as some do: the reference obeys it."""
    if _Encoder.default is not _no_default:
        with contextlib.suppress(TypeError):
            return _Encoder().default(value)
    return NOT_MINE


def _by_own_method(value: Any) -> Any:
    for method in _OWN_METHODS:
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    return NOT_MINE


def _of_stdlib(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime.timedelta):
        return arrays.duration_text(value // datetime.timedelta(microseconds=1) * 1000)
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return NOT_MINE


def _of_table(value: Any) -> Any:
    return tables.of_pandas(value, key_text)


def _of_other_frames(value: Any) -> Any:
    return tables.of_other_frames(value, key_text)


_CONVERSIONS: Final[Sequence[Callable[[Any], Any]]] = (
    _by_patched_encoder,
    _of_table,
    arrays.of_numpy,
    _of_other_frames,
    _by_own_method,
    _of_stdlib,
)
