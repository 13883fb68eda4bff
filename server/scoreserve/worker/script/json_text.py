"""JSON as the reference's json.dumps would mean it, at orjson's speed where the two agree.

orjson writes compact UTF-8, which is equal as JSON to what the stdlib writes. Where it would write
another value (null for NaN) or refuses one the stdlib writes (integers over 64 bits, keys that are
not strings, lone surrogates), the stdlib does the work. Types that neither knows are asked for
their own idea of plain values, see `plain`.
"""

from __future__ import annotations

import enum
import json
import uuid
from typing import Any, Final

import orjson

# numpy is left to `plain` too: orjson writes a float32 with other digits than its tolist() has, and
# a value must not depend on which of the two writes it.
_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_COMPACT = (",", ":")
_NULL: Final = b"null"
_orjson_dumps: Final = orjson.dumps


def dumps(value: Any, *, strict: bool = False) -> bytes:
    """`value` as JSON. NaN and infinities are written as the stdlib writes them, or as null if
    `strict`. Raises TypeError, ValueError or RecursionError for what has no JSON form.
    """
    try:
        text = _orjson_dumps(value, plain, _OPTIONS)
    except TypeError:  # orjson.JSONEncodeError is one
        text = b""
    # A null may stand for a NaN: only the stdlib tells them apart.
    if text and (strict or not text.partition(_NULL)[1]):  # `find` takes twice as long
        return text
    if strict:
        value = json.loads(json.dumps(value, default=plain), parse_constant=_null)
    encoded = json.dumps(value, ensure_ascii=False, separators=_COMPACT, default=plain)
    try:
        return encoded.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can carry
        return json.dumps(value, separators=_COMPACT, default=plain).encode()


def _null(constant: str) -> None:
    """What stands for NaN or an infinity."""


def plain(value: Any) -> Any:
    """The plain value behind one that json does not know. Raises TypeError when there is none.

    numpy arrays and scalars and torch tensors (`tolist`), pandas objects (records), dates
    (`isoformat`), whatever has a `toJSON`, enumerations, UUIDs, and the subclasses of plain types
    that orjson leaves to us.
    """
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float):
        return float(value)
    for convert in (_frame_records, _date_array, _own_method, _member_value):
        converted = convert(value)
        if converted is not None:
            return converted
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _frame_records(value: Any) -> Any:
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return value.to_dict(orient="records")
    return None


def _date_array(value: Any) -> Any:
    """numpy's tolist() gives numbers for dates of a unit that datetime does not have."""
    if type(value).__module__ == "numpy" and value.dtype.kind == "M":
        return value.astype(str).tolist()
    return None


def _own_method(value: Any) -> Any:
    for method in ("toJSON", "tolist", "isoformat"):
        convert = getattr(value, method, None)
        if callable(convert):
            return convert()
    return None


def _member_value(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, uuid.UUID):
        return str(value)
    return None
