"""mini_batch_size, as Azure's files and our flag write it: `10`, `1024KB`, `10MB`, `1GB`; and, for
tables, `4096rows`, which Azure does not have.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from scoreserve.batch.work import Form

_FILES, _LINES, _BYTES = 10, 500, 1 << 20  # Azure's, but for lines
_WRITTEN = re.compile(r"(\d+)\s*(b|kb|mb|gb|rows)?", re.IGNORECASE)
_POWERS = {"b": 0, "kb": 1, "mb": 2, "gb": 3}


class Size(NamedTuple):
    """How much a mini-batch holds: a number of items, or of bytes."""

    items: int = 0
    size_bytes: int = 0


def parse(text: str) -> tuple[int, str]:
    """Number and unit, "" without one. Raises ValueError."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None or int(found[1]) < 1:
        raise ValueError("must be a number from 1, or a size such as 10MB or 4096rows")
    return int(found[1]), (found[2] or "").lower()


def size_for(written: tuple[int, str] | None, form: Form) -> Size:
    """What is meant for inputs of this form: a number alone is one of files or lines, and for
    tables, as Azure has it, of bytes. Raises ValueError.
    """
    if written is None:
        if form.is_table:
            return Size(size_bytes=_BYTES)
        return Size(items=_FILES if form is Form.FILES else _LINES)
    number, unit = written
    if not form.is_table:
        if unit:
            raise ValueError(f"must be a number of {form.value}, not {number}{unit}")
        return Size(items=number)
    if unit == "rows":
        return Size(items=number)
    return Size(size_bytes=number * 1024 ** _POWERS.get(unit, 0))
