"""Where the records of a CSV file end, as pandas reads it: bytes, and nothing is decoded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

# A quote opens a field only where the field begins; anywhere else it is a character as any other.
_BEGINNING = rb"(^(?:\xef\xbb\xbf)?|,)"
_QUOTED = re.compile(_BEGINNING + rb'"[^"]*(?:""[^"]*)*"')
_OPEN = re.compile(_BEGINNING + rb'"')


def records(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Lines, joined where a quoted field goes on in the next."""
    held: list[bytes] = []
    is_open = False
    for line in lines:
        if b'"' in line:
            is_open = _leaves_open(line, is_open=is_open)
        if not is_open and not held:
            yield line
            continue
        held.append(line)
        if not is_open:
            yield b"".join(held)
            held.clear()
    if held:
        yield b"".join(held)


def header_of(lines: Iterable[bytes]) -> bytes:
    """The first record that is not blank, and what is before it."""
    header = b""
    for record in records(lines):
        header += record
        if record.strip():
            break
    return header


def _leaves_open(line: bytes, *, is_open: bool) -> bool:
    """Whether a quoted field goes on behind the line. `is_open`: one goes on in it."""
    text = b'"' + line if is_open else line
    rest = _QUOTED.sub(rb"\1", text)
    return b'"' in rest and _OPEN.search(rest) is not None
