"""API keys as they are written down: in a list separated by commas, or a file with one a line."""

from __future__ import annotations

from collections.abc import Iterable


def split_keys(text: str) -> tuple[str, ...]:
    """The keys in a comma-separated list. Raises ValueError, which never shows a key."""
    return _checked(text.split(","))


def read_keys(path: str) -> tuple[str, ...]:
    """The keys in a file. Raises ValueError, which never shows a key."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot be read: {error}") from None
    return _checked(lines)


def _checked(found: Iterable[str]) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in found if key.strip())
    if not keys:
        raise ValueError("Input should hold at least one API key; without keys, leave it unset")
    for number, key in enumerate(keys, start=1):
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise ValueError(f"API key number {number} should be ASCII without spaces")
    return keys
