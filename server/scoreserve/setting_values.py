"""What values settings can have: each function reads one as it is written, or raises ValueError.

Written is what a flag, an environment variable or the JSON of a config file has. A value that was
read can be read again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from scoreserve.api_keys import read_keys, split_keys
from scoreserve.near_miss import nearest

LONGEST_SECONDS = 9_000_000_000  # 285 years; a process's timer takes hardly more
LONGEST_MS = LONGEST_SECONDS * 1000
ALL_ADDRESSES = "0.0.0.0"

_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
_FALSE = frozenset({"0", "false", "f", "no", "n", "off"})
_OFF = _FALSE | {""}
_SWITCHES = ("true", "false", "yes", "no", "on", "off")
_LEVELS = ("DEBUG", "INFO", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL")


def text(value: Any) -> str:
    """Any text that the environment of a process can hold."""
    if isinstance(value, (dict, list)):
        raise ValueError("Input should be a valid string")
    found = str(value)
    try:
        fit = b"\0" not in found.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        fit = False
    if not fit:  # which only JSON can bring
        raise ValueError("Input should be text that an environment variable can hold")
    return found


def boolean(value: Any) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    meant = _meant(value, _SWITCHES)
    raise ValueError(f"Input should be a valid boolean, unable to interpret input{meant}")


def exactly_true(value: Any) -> bool:
    """The reference switches these on with the word `true` and nothing else."""
    if value is True or value == "true":
        return True
    if str(value).strip().lower() in _OFF:
        return False
    raise ValueError(f"Input should be 'true' or 'false'{_meant(value, ('true', 'false'))}")


def true(value: Any) -> bool:
    """The reference switches these on with `true`, in any case, and nothing else."""
    return exactly_true(str(value).lower())


def preload(value: Any) -> str:
    """`true` and words for off, in any case, as the reference reads them; and `force`."""
    word = str(value).strip().lower()
    if word == "force":
        return word
    try:
        return "true" if true(word) else "off"
    except ValueError:
        raise ValueError("Input should be 'true', 'force' or 'off'") from None


def one_of(*words: str) -> Callable[[Any], str]:
    def parse(value: Any) -> str:
        if value not in words:
            expected = " or ".join(map(repr, words))
            raise ValueError(f"Input should be {expected}{_meant(value, words)}")
        return str(value)

    return parse


def some_of(*words: str) -> Callable[[Any], str]:
    """Some of these words, separated by commas."""

    def parse(value: Any) -> str:
        given = [word.strip().lower() for word in text(value).split(",")]
        unknown = [word for word in given if word and word not in words]
        if unknown:
            raise ValueError(
                f"Input should be some of {', '.join(words)}, separated by commas; there is no"
                f" {unknown[0]!r}{_meant(unknown[0], words)}"
            )
        return ",".join(word for word in words if word in given)

    return parse


def path_segment(value: Any) -> str:
    """What can stand between two slashes of a path, as a name of people's."""
    found = text(value).strip()
    if "/" in found or ":" in found or not found.isprintable():
        raise ValueError("Input should be a name without slashes and colons")
    return found


def level(value: Any) -> str:
    """The name of a level of Python's logging, in any case."""
    name = str(value).strip().upper()
    if name not in _LEVELS:
        raise ValueError(f"Input should be one of {', '.join(_LEVELS)}{_meant(name, _LEVELS)}")
    return name


def _meant(written: Any, words: Iterable[str]) -> str:
    """The word that is nearly it, in brackets, or ""."""
    near = nearest(str(written), words)
    return f" (did you mean {near!r}?)" if near else ""


def integer(value: Any) -> int:
    """A whole number, however it is written: charts make 3600000 a 3.6e+06."""
    written = str(value).strip()
    try:
        return int(written)
    except ValueError:
        pass
    try:
        number = float(written)
    except ValueError:
        raise ValueError(
            "Input should be a valid integer, unable to parse string as an integer"
        ) from None
    if not number.is_integer():
        raise ValueError("Input should be a valid integer, not a fraction")
    return int(number)


def between(low: int, high: int) -> Callable[[Any], int]:
    """A number past either end makes no sense."""

    def parse(value: Any) -> int:
        number = integer(value)
        if not low <= number <= high:
            raise ValueError(f"Input should be a whole number from {low} to {high}")
        return number

    return parse


def at_least(low: int, most: int = sys.maxsize) -> Callable[[Any], int]:
    """A number of which more than `most` makes no difference: it is then taken for `most`."""

    def parse(value: Any) -> int:
        number = integer(value)
        if number < low:
            raise ValueError(f"Input should be a whole number of at least {low}")
        return min(number, most)

    return parse


def seconds(low: int) -> Callable[[Any], int]:
    return at_least(low, LONGEST_SECONDS)


def milliseconds(low: int) -> Callable[[Any], int]:
    return at_least(low, LONGEST_MS)


port = between(1, 65535)
_port_or_zero = between(0, 65535)


def port_or_none(value: Any) -> int | None:
    """0 is none, as in the reference."""
    return _port_or_zero(value) or None


def host(value: Any) -> str:
    """A name or an address, an IPv6 address in brackets: a port can follow it."""
    found = text(value).strip() or ALL_ADDRESSES
    if ":" in found:
        from ipaddress import IPv6Address

        try:
            return f"[{IPv6Address(found.removeprefix('[').removesuffix(']'))}]"
        except ValueError:
            raise ValueError("Input should be a host or an address, without a port") from None
    if "/" in found or len(found.split()) > 1:
        raise ValueError("Input should be a host or an address")
    return found


def header_value(value: Any) -> str:
    """What a response's header can hold: else no response could be sent, or another one would."""
    found = text(value).strip()
    if not (found.isascii() and found.isprintable()):
        raise ValueError("Input should be one line of ASCII text, for a header")
    return found


def keys(value: Any) -> tuple[str, ...]:
    return split_keys(text(value))


def keys_file(value: Any) -> str:
    path = os.path.abspath(text(value))
    read_keys(path)  # a file that holds no key is told now, not when nobody can come in
    return path
