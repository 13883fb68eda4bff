"""Media types in Content-Type and Accept, as RFC 9110 has them."""

from __future__ import annotations

from typing import Final

_LEAST: Final = 0.0
_ANY: Final = b"*/*"


def media_type(value: bytes | None) -> bytes:
    """The type that a Content-Type names, in lower case and without its parameters."""
    return (value or b"").split(b";", 1)[0].strip().lower()


def accepted(value: bytes | None) -> list[bytes]:
    """The types that an Accept header names, the dearest first; without one, all are the same."""
    if value is None or not value.strip():
        return [_ANY]
    weighed = []
    for item in value.split(b","):
        kind, *parameters = item.split(b";")
        weight = _weight(parameters)
        if weight > _LEAST and kind.strip():
            weighed.append((weight, kind.strip().lower()))
    return [kind for _, kind in sorted(weighed, key=lambda each: -each[0])]


def _weight(parameters: list[bytes]) -> float:
    for parameter in parameters:
        name, _, text = parameter.partition(b"=")
        if name.strip().lower() == b"q":
            try:
                return float(text)
            except ValueError:
                return _LEAST
    return 1.0
