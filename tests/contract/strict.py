"""Strict reading of YAML values: a wrong type or an unknown key is an error that says where."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """The value as a mapping with string keys."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{where}: expected a mapping with text keys, got {value!r}")
    return value


def only(entry: Mapping[str, Any], allowed: Iterable[str], where: str) -> None:
    """Refuses keys that are not in `allowed`."""
    unknown = set(entry) - set(allowed)
    if unknown:
        raise ValueError(f"{where}: unknown keys {sorted(unknown)}")


def strings(value: object, where: str) -> Mapping[str, str]:
    """A mapping from text to text. Numbers and booleans must be quoted, as YAML changes them."""
    entry = mapping(value, where)
    wrong = {key: item for key, item in entry.items() if not isinstance(item, str)}
    if wrong:
        raise ValueError(f"{where}: values must be quoted text: {wrong!r}")
    return entry
