"""What the conversions to plain values share: `plain_values`, and its `arrays` and `tables`."""

from __future__ import annotations

from typing import Final

NOT_MINE: Final = object()  # what a conversion says of a value of another kind


class NoPlainValue(TypeError):
    """A value, or a part of one, has no JSON form, or none that keeps all of it."""


def distinct(names: list[str], what: str, remedy: str = "") -> list[str]:
    """The names, if no two are the same: clients would see the value of the last one only. Raises
    NoPlainValue.
    """
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise NoPlainValue(f"two {what} are {twice!r}{remedy}")
    return names
