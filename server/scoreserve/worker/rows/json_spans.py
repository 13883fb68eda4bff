"""Where the parts of a JSON text begin and end, so that they can be cut out as they were written.

The stdlib's own scanner finds the end of each value, so what is taken for one is one. Numbers are
left as text: a row of many is read for its end alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from json.decoder import JSONDecoder  # the script may put another in its place
from typing import Any, Final

Span = tuple[int, int]  # from, to

_scan: Final[Callable[[str, int], tuple[Any, int]]] = JSONDecoder(
    parse_float=str, parse_int=str
).raw_decode
_space: Final = re.compile(r"[ \t\n\r]*").match


class NoSpans(Exception):
    """It is no JSON, nested too deeply, or an object with two members of one name."""


def value_span(text: str) -> Span:
    """The whole value of a text, without the space around it. Raises NoSpans."""
    start = _after_space(text, 0)
    _, stop = _value(text, start)
    if _after_space(text, stop) != len(text):
        raise NoSpans
    return start, stop


def row_spans(text: str, start: int) -> list[Span]:
    """The items of the list that begins at `start`. Raises NoSpans."""
    spans: list[Span] = []
    at = _after_space(text, start + 1)
    if text[at : at + 1] == "]":
        return spans
    while True:
        _, stop = _value(text, at)
        spans.append((at, stop))
        at = _after_space(text, stop)
        if text[at : at + 1] != ",":
            break
        at = _after_space(text, at + 1)
    if text[at : at + 1] != "]":
        raise NoSpans
    return spans


def member_spans(text: str, start: int) -> dict[str, Span]:
    """The values of the object that begins at `start`, by name. Raises NoSpans.

    Of two members with one name each parser may take another.
    """
    spans: dict[str, Span] = {}
    at = _after_space(text, start + 1)
    if text[at : at + 1] == "}":
        return spans
    while True:
        if text[at : at + 1] != '"':
            raise NoSpans
        name, at = _value(text, at)
        at = _after_space(text, at)
        if text[at : at + 1] != ":" or name in spans:
            raise NoSpans
        at = _after_space(text, at + 1)
        _, stop = _value(text, at)
        spans[name] = at, stop
        at = _after_space(text, stop)
        if text[at : at + 1] != ",":
            break
        at = _after_space(text, at + 1)
    if text[at : at + 1] != "}":
        raise NoSpans
    return spans


def _value(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at `start`, and where it ends."""
    try:
        return _scan(text, start)
    except (ValueError, RecursionError):
        raise NoSpans from None


def _after_space(text: str, start: int) -> int:
    match = _space(text, start)
    assert match is not None
    return match.end()
