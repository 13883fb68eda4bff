"""JSON as the reference's json.dumps would mean it, at orjson's speed where the two agree.

orjson writes compact UTF-8, which is equal as JSON to what the stdlib writes. Where it would write
another value (null for NaN) or refuses one the stdlib writes (integers over 64 bits, keys that are
not strings, lone surrogates), the stdlib does the work, and so where memory is short. Types that
neither knows are asked for their own idea of plain values, see `plain_values`; so are values whose
keys neither takes.

What is used of the json module is bound here, before the script can put its own in its place.
"""

from __future__ import annotations

import json
from typing import Any, Final

import orjson
from mypy_extensions import i64

from scoreserve.worker.script import memory, plain_values
from scoreserve.worker.script.conversions import NoPlainValue

# numpy is left to `plain` too: orjson writes a float32 with other digits than its tolist() has, and
# a value must not depend on which of the two writes it.
_OPTIONS: Final = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_COMPACT: Final = (",", ":")
_NULL: Final = b"null"
_orjson_dumps: Final = orjson.dumps
_dumps: Final = json.dumps
_loads: Final = json.loads
_Encoder: Final = json.JSONEncoder
_no_default: Final = json.JSONEncoder.default

# The numbers and flags of numpy that tolist() makes plain ones of: all but complex and long ones.
_NUMBERS: Final = frozenset("?bBhHiIlLqQefd")

_LARGE: Final = 1 << 22  # bytes for a result to be written in, before it is asked if they are there
# What orjson asks memory for, measured: by item of a list, by member of an object and by character
# of a str, before it writes them. The text grows by doubling, and is moved meanwhile.
_PER_ITEM: Final = 272
_PER_MEMBER: Final = 560
_PER_CHARACTER: Final = 16
_PER_NUMBER: Final = 60
_DEEPEST_LOOK: Final = 6
_SAMPLE: Final = 4  # items of a list that are all looked at; of a longer one two or three are
_MEMBERS: Final = 32  # of an object that are looked at


def dumps(value: Any, *, strict: bool = False) -> bytes:
    """`value` as JSON. NaN and infinities are written as the stdlib writes them, or as null if
    `strict`. Raises TypeError, ValueError or RecursionError for what has no JSON form, and
    MemoryError.
    """
    text = b""
    needed: i64 = _bytes_needed(value)
    if needed < _LARGE or memory.has_room_for(needed):
        try:
            text = _orjson_dumps(value, plain, _OPTIONS)
        except TypeError:  # orjson.JSONEncodeError is one
            text = b""
        # A null may stand for a NaN: only the stdlib tells them apart.
        if text and (strict or not text.partition(_NULL)[1]):  # `find` takes twice as long
            return text
    return _by_stdlib(value, strict=strict)


def _by_stdlib(value: Any, *, strict: bool) -> bytes:
    try:
        return _written(value, strict=strict)
    except TypeError:  # a key that json does not know, or a value that nobody does
        pass
    try:
        tree = plain_values.tree(value)
    except NoPlainValue:
        if json.dumps is _dumps:
            raise
        return _by_script(value)
    return _written(tree, strict=strict)


def _written(value: Any, *, strict: bool) -> bytes:
    if strict:
        value = _loads(_dumps(value, default=plain), parse_constant=_null)
    encoded = _dumps(value, ensure_ascii=False, separators=_COMPACT, default=plain)
    try:
        return encoded.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can carry
        return _dumps(value, separators=_COMPACT, default=plain).encode()


def _by_script(value: Any) -> bytes:
    """By the json.dumps that the script has put in the stdlib's place, as the reference has it."""
    own: Any = json.dumps  # compiled, the stdlib's would have to return a str
    text = own(value)
    return text.encode() if isinstance(text, str) else bytes(text)


def _null(constant: str) -> None:
    """What stands for NaN or an infinity."""


def plain(value: Any) -> Any:
    """The plain value behind one that json does not know, see `plain_values.plain`. Here are the
    kinds of which results have many: numpy's numbers and arrays of them, and the subclasses of
    plain types that orjson leaves to us.
    """
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float):
        return float(value)
    if (
        type(value).__module__ == "numpy"
        and _Encoder.default is _no_default
        and getattr(getattr(value, "dtype", None), "char", "") in _NUMBERS
    ):
        return value.tolist()
    return plain_values.plain(value)


def _bytes_needed(value: Any) -> i64:
    """How many bytes it may take to write a value, at most, as a few of its items tell; 0 where
    that is not understood.
    """
    try:
        return _needed(value, 0)
    except Exception:  # an object of the script's, whose methods may do anything
        return 0


def _needed(value: Any, depth: i64) -> i64:  # noqa: PLR0911 - by kind, the most frequent first
    kind = type(value)
    if kind is float or kind is int or value is None:
        return _PER_NUMBER
    if isinstance(value, str):
        return len(value) * _PER_CHARACTER
    if kind is bool or depth == _DEEPEST_LOOK:
        return _PER_NUMBER
    if isinstance(value, list):
        return _needed_for_items(value, depth + 1)
    if isinstance(value, dict):
        return _needed_for_members(value, depth + 1)
    if isinstance(value, tuple):
        return _needed_for_items(list(value), depth + 1)
    return _needed_for_array(getattr(value, "shape", None))


def _needed_for_items(items: list[Any], depth: i64) -> i64:
    count: i64 = len(items)
    step: i64 = 1 if count <= _SAMPLE else count >> 1
    place: i64 = 0
    total: i64 = 0
    seen: i64 = 0
    while place < count:
        total += _needed(items[place], depth)
        seen += 1
        place += step
    return count * _PER_ITEM + (total if step == 1 else total // seen * count)


def _needed_for_members(members: dict[Any, Any], depth: i64) -> i64:
    count: i64 = len(members)
    total: i64 = 0
    seen: i64 = 0
    for item in members.values():
        total += _needed(item, depth)
        seen += 1  # noqa: SIM113 - compiled, this beats enumerate
        if seen == _MEMBERS:
            total = total // seen * count
            break
    return count * _PER_MEMBER + total


def _needed_for_array(shape: Any) -> i64:
    """Of an array or a frame: its items become objects and lists before they are written."""
    if not isinstance(shape, tuple):
        return _PER_NUMBER
    items: i64 = 1
    for length in shape:
        items *= length
    return items * _PER_ITEM
