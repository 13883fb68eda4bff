"""json.loads in the script's process, at orjson's speed where the value is the same.

Reading the request is most of what many scripts do in run(), and nearly all of them do it with
`json.loads(raw_data)`. The stdlib decodes with one default decoder; `install` puts one in its place
that asks orjson first. What orjson refuses is left to the stdlib: its values (NaN, infinities, lone
surrogates), its errors. So are calls with arguments of their own (`parse_float`, `object_hook`).

orjson accepts one thing and reads it otherwise, integers of more than 64 bits, which it makes
floats. Those have 19 digits or more, and texts with such numbers are left to the stdlib too.
Looking for them takes a fifth of the time, so whoever knows of a text that it has none says so
(`read_as_it_stands`).
The one difference that remains: values nested about 1,000 deep, at which the stdlib gives up with
RecursionError, may be read.
"""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from scoreserve.worker.script import memory

# What a long integer may look like. Few texts have so many digits that are no fraction, which is
# found out much faster with every digit a 0, a point a point and all else a space.
_LONG_INTEGER = re.compile(r"[\[,:\s-]\d{19}", re.ASCII)
_OTHERS = bytes(code for code in range(256) if code not in b"0123456789.")
_KINDS = bytes.maketrans(b"123456789" + _OTHERS, b"0" * 9 + b" " * len(_OTHERS))
_LONG_NUMBER = b" " + b"0" * 19
# A text is looked through in pieces, so that a large one is not copied. They overlap, lest a number
# lie across two of them.
_PIECE = 1 << 16
_OVERLAP = len(_LONG_NUMBER) - 1
_LARGE = 1 << 20  # characters, of a text that is read for milliseconds
_PER_CHARACTER = 24  # bytes that orjson asks memory for, measured


class Decoder(json.JSONDecoder):
    """The stdlib's decoder with default arguments, and orjson before it. `plain` is a text that is
    known to hold no long integer.
    """

    plain = ""

    def decode(self, s: str, *arguments: Any) -> Any:
        """The value of the text `s`. Raises JSONDecodeError or RecursionError, as the stdlib."""
        if not arguments and type(s) is str:
            try:
                if s is self.plain or not has_long_integer(s):
                    return orjson.loads(s) if len(s) < _LARGE else _loads_large(s)
            except ValueError:  # orjson.JSONDecodeError and UnicodeEncodeError are among them
                pass
        return super().decode(s, *arguments)


_decoder = Decoder()


def install() -> None:
    """Makes it the default decoder of this process."""
    json._default_decoder = _decoder  # type: ignore[attr-defined]  # noqa: SLF001 - its one hook


@contextmanager
def read_as_it_stands(text: str) -> Iterator[None]:
    """For as long as this lasts, no long integer is looked for in this text: it has none."""
    _decoder.plain = text
    try:
        yield
    finally:
        _decoder.plain = ""


def _loads_large(text: str) -> Any:
    """The value of a large text. Raises ValueError where there is no memory to read it in.

    What is read has no cycles, but the garbage collector would look through its lists every 700 of
    them, for nothing, which takes a sixth of the time.
    """
    if not memory.has_room_for(len(text) * _PER_CHARACTER):
        raise ValueError("there is no memory for it")
    if not gc.isenabled():
        return orjson.loads(text)
    gc.disable()
    try:
        return orjson.loads(text)
    finally:
        gc.enable()


def has_long_integer(text: str) -> bool:
    """Whether a JSON text may hold an integer of more than 64 bits.

    Raises UnicodeEncodeError, a ValueError, for lone surrogates, which orjson refuses too.
    """
    if _has_one(f" {text[:_PIECE]}"):
        return True
    return len(text) > _PIECE and any(
        _has_one(text[start - _OVERLAP : start + _PIECE])
        for start in range(_PIECE, len(text), _PIECE)
    )


def _has_one(piece: str) -> bool:
    return _LONG_NUMBER in piece.encode().translate(_KINDS) and bool(_LONG_INTEGER.search(piece))
