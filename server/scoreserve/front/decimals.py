"""Numbers as text, from tables: formatting them takes several times as long."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

_THOUSAND: Final = 1000
_NUMBERS: Final = [b"%d" % number for number in range(_THOUSAND)]
_PLACES: Final = [b".%03d" % thousandths for thousandths in range(_THOUSAND)]


def write_number(out: BytesWriter, number: i64) -> None:
    """A number that is not negative."""
    out.write(_NUMBERS[number] if number < _THOUSAND else b"%d" % number)


def write_milliseconds(out: BytesWriter, seconds: float) -> None:
    """A time that is not negative, in milliseconds to three places: 0.0123456 as `12.346`."""
    microseconds: i64 = int(seconds * 1e6 + 0.5)
    write_number(out, microseconds // _THOUSAND)
    out.write(_PLACES[microseconds % _THOUSAND])
