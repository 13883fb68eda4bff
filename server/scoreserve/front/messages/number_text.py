"""Numbers as text, from tables: formatting them takes several times as long."""

from __future__ import annotations

from typing import Final

from librt.strings import BytesWriter
from mypy_extensions import i64

_THOUSAND: Final = 1000
_NUMBERS: Final = [b"%d" % number for number in range(_THOUSAND)]
_LONGEST_SECONDS: Final = 1e9
_PLACES: Final = [b".%03d" % thousandths for thousandths in range(_THOUSAND)]


def write_number(out: BytesWriter, number: i64) -> None:
    """A number that is not negative."""
    out.write(_NUMBERS[number] if number < _THOUSAND else b"%d" % number)


def write_milliseconds(out: BytesWriter, seconds: float) -> None:
    """A time in milliseconds to three places: 0.0123456 as `12.346`, what is none as `0.000`.

    A script can bring the clock of its process to run backwards.
    """
    if not 0 <= seconds < _LONGEST_SECONDS:
        seconds = 0.0
    microseconds: i64 = int(seconds * 1e6 + 0.5)
    write_number(out, microseconds // _THOUSAND)
    out.write(_PLACES[microseconds % _THOUSAND])
