"""Numbers as text, digit by digit: compiled, a format string takes several times as long."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

_ZERO: Final = 0x30
_POINT: Final = 0x2E


def write_number(out: BytesWriter, number: i64) -> None:
    """A number that is not negative."""
    place: i64 = 1
    while number // place > 9:
        place *= 10
    while place > 0:
        _write_digit(out, number // place)
        place //= 10


def write_milliseconds(out: BytesWriter, seconds: float) -> None:
    """A time that is not negative, in milliseconds to three places: 0.0123456 as `12.346`."""
    microseconds: i64 = int(seconds * 1e6 + 0.5)
    write_number(out, microseconds // 1000)
    out.append(_POINT)
    _write_digit(out, microseconds // 100)
    _write_digit(out, microseconds // 10)
    _write_digit(out, microseconds)


def _write_digit(out: BytesWriter, number: i64) -> None:
    """The last digit of a number."""
    digit: int = number % 10  # an i64 would be appended by way of an object
    out.append(_ZERO + digit)
