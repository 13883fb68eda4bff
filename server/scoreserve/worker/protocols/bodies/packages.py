"""Libraries of other formats than JSON: each is needed only by who uses its format."""

from __future__ import annotations

import importlib
from typing import Any

from scoreserve.errors import NotAcceptable, UnsupportedInput


def needed_for_input(name: str, media_type: bytes) -> Any:
    """The library that reads bodies of a type. Raises UnsupportedInput where it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnsupportedInput(_told(name, "Content-Type", media_type)) from None


def needed_for_output(name: str, media_type: bytes) -> Any:
    """The library that writes bodies of a type. Raises NotAcceptable where it is not there."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise NotAcceptable(_told(name, "Accept", media_type)) from None


def _told(name: str, header: str, media_type: bytes) -> str:
    return (
        f"{header}: {media_type.decode()} needs the package {name}, which is not installed on the"
        " server."
    )
